//! What lies in the package and in its definition.

use std::{fs, path::Path, process::Command};

use coord_tests::skip::skipped;

use super::{
    VERSION, build,
    plugin::{FILE_ATTRIBUTES, Plugin, sum},
    sources,
    unraid::put_program,
};

/// A definition and a package around two programs that do nothing.
fn built(folder: &Path, epoch: u32) -> (Plugin, std::path::PathBuf) {
    let (binaries, out) = (folder.join("binaries"), folder.join("out"));
    fs::create_dir_all(&binaries).unwrap();
    fs::create_dir_all(&out).unwrap();
    for name in ["coord-agent", "coord-helper"] {
        put_program(&binaries.join(name), b"#!/bin/sh\n");
    }
    let plugin = Plugin::read(&build(&binaries, &out, VERSION, epoch));
    (plugin, out.join(format!("coord-agent-{VERSION}-x86_64-1.txz")))
}

#[test]
fn built_twice_it_has_the_same_bytes() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let packages = [&first, &second].map(|folder| built(folder.path(), 1_700_000_000).1);
    for file in ["coord-agent.plg", packages[0].file_name().unwrap().to_str().unwrap(), "community/coordinator.xml"] {
        let sums = packages.each_ref().map(|package| sum(&package.with_file_name(file)));
        assert_eq!(sums[0], sums[1], "{file}");
    }
    let later = built(second.path(), 1_700_086_400).0;
    assert_eq!(later.attribute("version"), Some("2023.11.15"), "versions are compared as text");
}

#[test]
fn the_definition_keeps_the_managers_rules() {
    let folder = tempfile::tempdir().unwrap();
    let (plugin, package) = built(folder.path(), 1_700_000_000);
    for (name, value) in [("name", "coord-agent"), ("version", "2023.11.14"), ("launch", "Settings/CoordAgent")] {
        assert_eq!(plugin.attribute(name), Some(value), "{name}");
    }
    assert!(plugin.attribute("pluginURL").unwrap().starts_with("https://"));
    assert!(plugin.attributes.iter().all(|(name, value)| !value.contains('@') || name == "author"));
    let fetched = plugin.package();
    assert_eq!(fetched.sha256.as_deref(), Some(sum(&package).as_str()));
    let place = format!("/boot/config/plugins/coord-agent/coord-agent-{VERSION}-x86_64-1.txz");
    assert_eq!(fetched.name.as_deref(), Some(place.as_str()), "a file elsewhere is not there after a boot");
    for step in &plugin.steps {
        let strange = step.attributes.iter().find(|name| !FILE_ATTRIBUTES.contains(&name.as_str()));
        assert_eq!(strange, None, "attributes in another spelling are ignored in silence");
        assert!(step.run.is_none() || step.inline.is_some());
    }
    assert!(plugin.steps.iter().any(|step| step.methods == ["remove"]));
}

#[test]
fn the_package_is_one_that_slackware_takes() {
    let folder = tempfile::tempdir().unwrap();
    let (_, package) = built(folder.path(), 1_700_000_000);
    let output = Command::new("tar").args(["-tvJf"]).arg(&package).env("TZ", "UTC").output().unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    assert!(listed.lines().next().unwrap().ends_with(" ./"), "{listed}");
    for line in listed.lines() {
        let program = ["/sbin/", "/scripts/", "/rc.d/"].iter().any(|folder| line.contains(folder));
        let mode = match line.starts_with('d') {
            true => "drwxr-xr-x",
            false if program => "-rwxr-xr-x",
            false => "-rw-r--r--",
        };
        assert!(line.starts_with(mode) && line.contains(" 0/0 ") && line.contains("2023-11-14"), "{line}");
    }
    let described = fs::read_to_string(sources().join("package/install/slack-desc")).unwrap();
    let text: Vec<&str> = described.lines().filter(|line| line.starts_with("coord-agent:")).collect();
    assert_eq!(text.len(), 11);
    assert!(text.iter().all(|line| line.len() <= 85 && (line.len() == 12 || line[12..].starts_with(' '))), "{text:?}");
}

#[test]
fn a_build_that_cannot_be_used_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |version: &str, base: &str, part: &str| {
        let mut command = Command::new(sources().join("build.sh"));
        command.arg(folder.path()).arg(folder.path()).arg(version).env("SOURCE_DATE_EPOCH", "1");
        let output = command.env("COORD_BASE_URL", base).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(part), "{said}");
    };
    refused("0-1", "https://a.example/x", "cannot stand in a package's name");
    refused(VERSION, "http://a.example/x", "not https");
    refused(VERSION, "https://a.example/\"x", "characters that a plugin cannot have");
    refused(VERSION, "https://a.example/x", "coord-agent is missing");
}

#[test]
fn every_xml_file_is_well_formed() {
    for file in fs::read_dir(sources().join("community")).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let document = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // Only what a person has to type may be empty.
        let typed = |node: &roxmltree::Node| node.attribute("Default") == Some("");
        let mut elements = document.descendants().filter(|node| node.is_element() && !typed(node));
        let empty = elements.find(|node| node.text().is_none_or(str::is_empty));
        assert!(empty.is_none_or(|node| node.has_children()), "{}: {empty:?}", path.display());
    }
}

#[test]
fn shellcheck_finds_nothing() {
    if Command::new("shellcheck").arg("--version").output().is_err() {
        return skipped("shellcheck_finds_nothing", "needs shellcheck: apt-get install shellcheck");
    }
    let mut scripts = vec![sources().join("build.sh"), sources().join("package/install/doinst.sh")];
    for folder in ["package/etc/rc.d", "package/usr/local/emhttp/plugins/coord-agent/scripts"] {
        scripts.extend(fs::read_dir(sources().join(folder)).unwrap().map(|file| file.unwrap().path()));
    }
    // Those that stand in the definition too.
    let folder = tempfile::tempdir().unwrap();
    for (number, step) in built(folder.path(), 1).0.steps.iter().enumerate() {
        let Some(inline) = &step.inline else { continue };
        let script = folder.path().join(format!("inline{number}.bash"));
        fs::write(&script, format!("#!/bin/bash\n{inline}")).unwrap();
        scripts.push(script);
    }
    let output = Command::new("shellcheck").args(scripts).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
