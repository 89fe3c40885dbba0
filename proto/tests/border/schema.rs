//! The .proto files as plain data, and the few encodings that tests write by hand.

use std::{collections::BTreeMap, fs, path::Path};

use coord_model::SectionKind;

/// What a field may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `string`.
    Text,
    /// `double`.
    Double,
    /// `bool`.
    Bool,
    /// `uint32` and `uint64`, with their bits.
    Number(u32),
    /// The map of reasons.
    Unknowns,
    /// Another message or an enum, by name.
    Named(String),
}

/// One field of a message.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// As the file spells it.
    pub(crate) name: String,
    /// Its number.
    pub(crate) number: u32,
    /// What it holds.
    pub(crate) kind: Kind,
    /// Whether there may be many.
    pub(crate) repeated: bool,
}

/// Messages and enums of `proto/coord/v1`.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    /// Fields of messages without a oneof, by message.
    pub(crate) messages: BTreeMap<String, Vec<Field>>,
    /// Numbers and kebab-case words of enums, without the unspecified zero.
    pub(crate) words: BTreeMap<String, Vec<(u32, String)>>,
}

impl Schema {
    /// Reads the files.
    pub(crate) fn read() -> Self {
        let mut schema = Self::default();
        for file in ["facts.proto", "coord.proto"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("coord/v1").join(file);
            schema.take(&fs::read_to_string(path).expect("the proto files are there"));
        }
        schema
    }

    fn take(&mut self, text: &str) {
        let mut block = None;
        for line in text.lines().map(str::trim) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["message", name, "{"] => block = Some((true, (*name).to_string())),
                ["enum", name, "{"] => block = Some((false, (*name).to_string())),
                ["}"] => block = None,
                _ => {
                    if let Some((message, name)) = &block {
                        self.line(*message, name, line);
                    }
                }
            }
        }
    }

    fn line(&mut self, message: bool, block: &str, line: &str) {
        let Some((declared, number)) = line.strip_suffix(';').and_then(|line| line.split_once(" = ")) else { return };
        let Ok(number) = number.parse() else { return };
        if message {
            self.messages.entry(block.to_string()).or_default().push(field(declared, number));
        } else if number > 0 {
            let prefix = format!("{}_", snake(block).to_uppercase());
            let word =
                declared.strip_prefix(&prefix).unwrap_or_else(|| panic!("{declared} does not begin with {prefix}"));
            let word = word.to_lowercase().replace('_', "-");
            self.words.entry(block.to_string()).or_default().push((number, word));
        }
    }

    /// The message that holds a section's facts.
    pub(crate) fn facts_of(&self, kind: SectionKind) -> String {
        let name = kind.to_string();
        let first = name.chars().next().expect("a name").to_uppercase();
        format!("{first}{}", &name[1..])
    }

    /// A section with these bytes as its facts.
    pub(crate) fn section(&self, kind: SectionKind, facts: &[u8]) -> Vec<u8> {
        let number =
            |name: &str| self.messages["Section"].iter().find(|field| field.name == name).expect("a field").number;
        [
            varint(number("kind"), u64::from(kind.number())),
            text(number("source"), "test"),
            bytes(number("facts"), facts),
        ]
        .concat()
    }
}

fn field(declared: &str, number: u32) -> Field {
    let (kind, name) = declared.rsplit_once(' ').expect("a type and a name");
    let repeated = kind.starts_with("repeated ");
    let kind = kind.trim_start_matches("repeated ").trim_start_matches("optional ");
    let kind = match kind {
        "string" => Kind::Text,
        "double" => Kind::Double,
        "bool" => Kind::Bool,
        "uint32" => Kind::Number(32),
        "uint64" => Kind::Number(64),
        "map<string, Unknown>" => Kind::Unknowns,
        other => Kind::Named(other.to_string()),
    };
    Field { name: name.to_string(), number, kind, repeated }
}

/// `PlatformKind` as `platform_kind`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for (place, character) in name.chars().enumerate() {
        if character.is_uppercase() && place > 0 {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
    }
    snake
}

fn raw_varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A varint field.
pub(crate) fn varint(field: u32, number: u64) -> Vec<u8> {
    [raw_varint(u64::from(field) << 3), raw_varint(number)].concat()
}

/// A double field.
pub(crate) fn double(field: u32, number: f64) -> Vec<u8> {
    [raw_varint(u64::from(field) << 3 | 1), number.to_le_bytes().to_vec()].concat()
}

/// A field with a length.
pub(crate) fn bytes(field: u32, bytes: &[u8]) -> Vec<u8> {
    [raw_varint(u64::from(field) << 3 | 2), raw_varint(bytes.len() as u64), bytes.to_vec()].concat()
}

/// A text field.
pub(crate) fn text(field: u32, text: &str) -> Vec<u8> {
    bytes(field, text.as_bytes())
}
