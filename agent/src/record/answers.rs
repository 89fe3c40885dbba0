//! Names in answers, replaced by their place: what they are called may be an ordinary word.

use crate::host::{Answer, Answers};

/// Registries that everybody may use.
const PUBLIC: [&str; 7] =
    ["docker.io", "ghcr.io", "gcr.io", "lscr.io", "mcr.microsoft.com", "quay.io", "registry.k8s.io"];

/// Replaces the user, the guests, the containers, and the machine's name in its snapshots.
pub(super) fn replace(answers: &mut Answers, host_name: Option<&str>) {
    if let Some(Answer::Value(user)) = &mut answers.user
        && super::redact::person(user.id)
    {
        user.name = format!("user{}", user.id);
    }
    let Some(helper) = &mut answers.helper else { return };
    if let Some(Answer::Value(guests)) = &mut helper.guests {
        for (number, guest) in guests.iter_mut().enumerate() {
            let other = format!("guest{}", number + 1);
            let named = guest.identifier == guest.name;
            guest.name = guest.name.as_ref().map(|_| other.clone());
            if named {
                guest.identifier.clone_from(&guest.name);
            }
        }
    }
    if let Some(Answer::Value(containers)) = &mut helper.containers {
        for (number, container) in containers.iter_mut().enumerate() {
            container.name = container.name.as_ref().map(|_| format!("container{}", number + 1));
            container.image = container.image.take().map(|image| without_registry(&image));
        }
    }
    if let Some(Answer::Value(snapshots)) = &mut helper.snapshots {
        let name = host_name.filter(|name| !name.is_empty()).map(|name| format!("-{name}-"));
        for snapshot in snapshots {
            let path = snapshot.path.take();
            let other = format!("-{}-", super::redact::HOST_NAME);
            snapshot.path = path.map(|path| name.as_ref().map_or(path.clone(), |name| path.replace(name, &other)));
        }
    }
}

/// An image without the name of somebody's own registry.
fn without_registry(image: &str) -> String {
    match image.split_once('/') {
        Some((registry, rest)) if registry.contains(['.', ':']) && !PUBLIC.contains(&registry) => {
            format!("registry.example/{rest}")
        }
        Some(_) | None => image.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_of_ones_own_is_not_told() {
        for (image, told) in [
            ("plex:latest", "plex:latest"),
            ("jane/plex", "jane/plex"),
            ("ghcr.io/x/y:1", "ghcr.io/x/y:1"),
            ("registry.jane.example:5000/x:1", "registry.example/x:1"),
        ] {
            assert_eq!(without_registry(image), told);
        }
    }
}
