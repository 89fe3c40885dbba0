//! A reader of `.plg` files that follows the documented rules of Unraid's plugin manager, on a root of its own.

use std::{fs, path::Path, process::Command};

use super::unraid::Unraid;

/// The attributes that the manager knows on FILE, in the only spelling that it takes.
pub(crate) const FILE_ATTRIBUTES: [&str; 6] = ["Name", "Run", "Method", "Mode", "Min", "Max"];

/// One FILE element.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) name: Option<String>,
    pub(crate) run: Option<String>,
    pub(crate) methods: Vec<String>,
    pub(crate) inline: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) sha256: Option<String>,
    pub(crate) attributes: Vec<String>,
}

/// A plugin definition with its entities replaced.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) steps: Vec<Step>,
}

impl Plugin {
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
        let document = roxmltree::Document::parse_with_options(&text, options).unwrap();
        let root = document.root_element();
        let attributes = root.attributes().map(|own| (own.name().to_owned(), own.value().to_owned())).collect();
        let steps = root.children().filter(|child| child.has_tag_name("FILE")).map(|file| step(&file)).collect();
        Self { attributes, steps }
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The package: what is fetched to the boot stick.
    pub(crate) fn package(&self) -> &Step {
        self.steps.iter().find(|step| step.url.is_some()).expect("nothing is fetched")
    }

    /// Does the steps of `method` in their order, as the manager does; the first that fails ends it.
    pub(crate) fn perform(&self, method: &str, unraid: &Unraid) -> Result<String, String> {
        let mut said = String::new();
        for (number, step) in self.steps.iter().enumerate() {
            if !step.methods.iter().any(|own| own == method) {
                continue;
            }
            if let Some(name) = &step.name {
                fetch(step, name, unraid)?;
            }
            if let (Some(program), Some(inline)) = (&step.run, &step.inline) {
                said += &run(program, inline, number, unraid)?;
            }
        }
        Ok(said)
    }
}

fn step(file: &roxmltree::Node<'_, '_>) -> Step {
    let attribute = |name: &str| file.attribute(name).map(str::to_owned);
    let child = |name: &str| {
        let found = file.children().find(|child| child.has_tag_name(name))?;
        Some(found.descendants().filter_map(|node| node.is_text().then(|| node.text()).flatten()).collect::<String>())
    };
    let methods = file.attribute("Method").unwrap_or("install");
    Step {
        name: attribute("Name"),
        run: attribute("Run"),
        methods: methods.split(' ').map(str::to_owned).collect(),
        inline: child("INLINE"),
        url: child("URL"),
        sha256: child("SHA256"),
        attributes: file.attributes().map(|own| own.name().to_owned()).collect(),
    }
}

/// A file whose sum is right is not fetched; one whose sum is wrong is fetched anew, and here nothing can be.
fn fetch(step: &Step, name: &str, unraid: &Unraid) -> Result<(), String> {
    let place = unraid.place(name);
    if !place.exists() {
        return Err(format!("{} cannot be fetched without a network", step.url.as_deref().unwrap_or(name)));
    }
    let wanted = step.sha256.as_deref().unwrap_or_default();
    if sum(&place) == wanted {
        return Ok(());
    }
    fs::remove_file(place).unwrap();
    Err(format!("bad file SHA256: {name}"))
}

/// The SHA-256 of a file in hexadecimal.
pub(crate) fn sum(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8_lossy(&output.stdout).split(' ').next().unwrap_or_default().to_owned()
}

fn run(program: &str, inline: &str, number: usize, unraid: &Unraid) -> Result<String, String> {
    let script = format!("/tmp/inline{number}-coord-agent.sh");
    fs::write(unraid.place(&script), inline).unwrap();
    let output = unraid.output(&[program, &script]);
    fs::remove_file(unraid.place(&script)).unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(said) } else { Err(format!("run failed: {}: {said}", output.status)) }
}
