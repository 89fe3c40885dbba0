//! What is wrong with a cluster file, each mistake below the line in which it stands.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use coord_cluster::{Mistake, Weight};

use super::Look;

/// All mistakes of the file `name` with this text.
pub(crate) fn mistakes(name: &str, text: &str, mistakes: &[Mistake], look: Look) -> String {
    let count = |weight: Weight| mistakes.iter().filter(|mistake| mistake.weight == weight).count();
    let (errors, warnings) = (count(Weight::Error), count(Weight::Warning));
    let mut shown = match (errors, warnings) {
        (0, 0) => return format!("{name}: good\n"),
        (0, _) => format!("{name}: good, {}\n", some(warnings, "warning")),
        (_, 0) => format!("{name}: {}\n", some(errors, "error")),
        _ => format!("{name}: {}, {}\n", some(errors, "error"), some(warnings, "warning")),
    };
    for mistake in mistakes {
        shown.push('\n');
        shown.push_str(&one(name, text, mistake, look));
        shown.push('\n');
    }
    shown
}

fn some(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn one(name: &str, text: &str, mistake: &Mistake, look: Look) -> String {
    let level = match mistake.weight {
        Weight::Error => Level::ERROR,
        Weight::Warning => Level::WARNING,
    };
    let annotation = AnnotationKind::Primary.span(span(text, mistake));
    let annotation = annotation.label(mistake.hint.as_deref());
    let snippet = Snippet::source(text).path(name).fold(true).annotation(annotation);
    let report: &[Group<'_>] = &[level.primary_title(mistake.message.as_str()).element(snippet)];
    Renderer::plain().term_width(look.columns).render(report).to_string()
}

/// The bytes of a place that is counted in lines and characters; never outside the text.
fn span(text: &str, mistake: &Mistake) -> std::ops::Range<usize> {
    let place = mistake.place;
    let lines = text.split_inclusive('\n').take(place.line.saturating_sub(1) as usize);
    let start = lines.map(str::len).sum::<usize>().min(text.len());
    let line = text[start..].split('\n').next().unwrap_or_default();
    let bytes = |characters: u32| line.chars().take(characters as usize).map(char::len_utf8).sum::<usize>();
    let from = bytes(place.column.saturating_sub(1));
    let to = bytes(place.column.saturating_sub(1).saturating_add(place.length));
    start + from..(start + to).max(start + from)
}

/// JSON for people to save.
pub(crate) fn json(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look() -> Look {
        Look { columns: 80, now: jiff::Timestamp::UNIX_EPOCH, wide: false }
    }

    #[test]
    fn mistakes_stand_below_their_lines() {
        let text = "apiVersion: coord.homelab/v1\nkind: Cluster\nmetadata: {name: homelab}\nspec:\n  zones:\n    \
                    proxmox: {regoin: homelab}\n  nodes:\n    w1: {zone: proxmox, k3s: agent, labels: {sw-volume: true}}\n";
        let mistakes = coord_cluster::read(text).mistakes;
        insta::assert_snapshot!(super::mistakes("cluster.yaml", text, &mistakes, look()));
    }

    #[test]
    fn a_good_file_is_one_line() {
        assert_eq!(mistakes("cluster.yaml", "", &[], look()), "cluster.yaml: good\n");
    }

    #[test]
    fn a_place_outside_the_text_is_its_end() {
        let place = coord_cluster::Place { line: 99, column: 99, length: 99 };
        let mistake = Mistake { weight: Weight::Error, place, message: "x".into(), hint: None };
        assert!(one("a", "b: c\n", &mistake, look()).contains('x'));
    }
}
