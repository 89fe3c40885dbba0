//! What of a report says who mounts from whom, for the rules that compare machines.

use coord_model::{
    Report,
    section::{Mount, Unraid},
};
use coord_planner::{NetworkMount, Sharing};

/// The few values that the rules about mounts compare.
pub(super) fn sharing(report: &Report) -> Sharing {
    let mounts = report.mounts.as_ref().and_then(|section| section.facts.as_ref());
    let unraid = report.unraid.as_ref().and_then(|section| section.facts.as_ref());
    let told = mounts.and_then(|mounts| mounts.exports.as_ref()).into_iter().flatten();
    let mut exports: Vec<String> = told.filter_map(|export| export.path.clone()).collect();
    exports.extend(unraid.into_iter().flat_map(user_shares));
    exports.sort();
    exports.dedup();
    Sharing {
        addresses: addresses(report),
        mounts: mounts.and_then(|mounts| mounts.mounts.as_ref()).into_iter().flatten().filter_map(mounted).collect(),
        exports,
        mover_running: unraid.and_then(|unraid| unraid.mover_running) == Some(true),
        sleeping_disks: unraid.into_iter().flat_map(sleeping).collect(),
    }
}

/// Addresses without their prefix lengths.
fn addresses(report: &Report) -> Vec<String> {
    let network = report.network.as_ref().and_then(|section| section.facts.as_ref());
    let interfaces = network.and_then(|network| network.interfaces.as_ref()).into_iter().flatten();
    let all = interfaces.flat_map(|interface| interface.addresses.iter().flatten());
    all.map(|address| address.split('/').next().unwrap_or_default().to_owned()).collect()
}

fn mounted(mount: &Mount) -> Option<NetworkMount> {
    let servers: Vec<String> = mount.server.iter().chain(&mount.server_address).cloned().collect();
    let path = mount.paths.as_ref()?.first()?.clone();
    mount.device_number.as_ref()?;
    (!servers.is_empty()).then_some(NetworkMount { path, servers, export: mount.export.clone()? })
}

/// Where Unraid exports its user shares.
fn user_shares(unraid: &Unraid) -> impl Iterator<Item = String> + '_ {
    let exported = unraid.shares.iter().flatten().filter(|share| share.exported == Some(true));
    exported.filter_map(|share| Some(format!("/mnt/user/{}", share.name.as_ref()?)))
}

/// Array disks that are spun down.
fn sleeping(unraid: &Unraid) -> impl Iterator<Item = String> + '_ {
    let asleep = unraid.disks.iter().flatten().filter(|disk| disk.spun_down == Some(true));
    asleep.filter_map(|disk| disk.name.clone())
}

#[cfg(test)]
mod tests {
    use coord_model::{
        Section,
        section::{Export, Interface, Mounts, Network, Share, UnraidDisk},
    };

    use super::*;

    #[test]
    fn a_report_becomes_what_the_rules_compare() {
        let mount = Mount {
            device_number: Some("0:61".into()),
            server: Some("nas.lan".into()),
            server_address: Some("192.168.1.29".into()),
            export: Some("/mnt/user/media".into()),
            paths: Some(vec!["/data/media".into()]),
            ..Mount::default()
        };
        let missing = Mount { device_number: None, ..mount.clone() };
        let export = Export { path: Some("/mnt/user/media".into()), ..Export::default() };
        let share =
            |name: &str| Share { name: Some(name.into()), exported: Some(name != "hidden"), ..Share::default() };
        let disk =
            |name: &str, asleep| UnraidDisk { name: Some(name.into()), spun_down: asleep, ..UnraidDisk::default() };
        let unraid = Unraid {
            mover_running: Some(true),
            shares: Some(vec![share("media"), share("music"), share("hidden")]),
            disks: Some(vec![disk("disk1", Some(true)), disk("disk2", Some(false)), disk("disk3", None)]),
            ..Unraid::default()
        };
        let interface = Interface { addresses: Some(vec!["192.168.1.5/24".into()]), ..Interface::default() };
        let mounts = Mounts { mounts: Some(vec![mount, missing]), exports: Some(vec![export]), ..Mounts::default() };
        let report = Report {
            mounts: Some(Section::read("", mounts)),
            unraid: Some(Section::read("", unraid)),
            network: Some(Section::read("", Network { interfaces: Some(vec![interface]), ..Network::default() })),
            ..Report::default()
        };
        let told = sharing(&report);
        assert_eq!(told.addresses, ["192.168.1.5"]);
        assert_eq!(told.exports, ["/mnt/user/media", "/mnt/user/music"]);
        assert_eq!((told.mover_running, told.sleeping_disks), (true, vec!["disk1".to_owned()]));
        assert_eq!(told.mounts.len(), 1);
        assert_eq!(told.mounts[0].servers, ["nas.lan", "192.168.1.29"]);
    }
}
