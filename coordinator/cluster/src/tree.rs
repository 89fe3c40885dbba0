//! YAML as a tree whose nodes know where they stand.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::Spanned;

use crate::{LARGEST, Mistake, Place};

mod mend;

/// A node and its place.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    node: Node,
    place: Place,
}

#[derive(Clone, Debug)]
enum Node {
    Null,
    Truth(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Spot>),
    Map(Vec<(String, Place, Spot)>),
}

/// Reads the text. Aliases, nesting and size are bounded by the parser's own budget and [`LARGEST`].
pub(crate) fn parse(text: &str) -> Result<Spot, Mistake> {
    let start = Place { line: 1, column: 1, length: 1 };
    if text.len() > LARGEST {
        return Err(Mistake::error(start, format!("the file is larger than {} KiB", LARGEST >> 10)));
    }
    let parsed: Result<Spanned<Node>, _> = serde_saphyr::from_str(text);
    match parsed {
        Ok(spanned) => Ok(spot(spanned)),
        Err(error) => {
            let place = error.location().map_or(start, |location| at(location, 1));
            Err(Mistake::error(place, said(error.without_snippet())))
        }
    }
}

/// What the parser refuses, in words for people: its own are partly for programmers.
fn said(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;
    match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("the key `{key}` stands twice"),
        Error::DuplicateMappingKey { key: None, .. } => "a key stands twice".to_owned(),
        Error::MultipleDocuments { .. } => "there are several documents (---); one is allowed".to_owned(),
        Error::Budget { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            "too many aliases, or too large, or nested too deeply: no cluster file needs so much".to_owned()
        }
        Error::AliasError { error, .. } => said(error),
        other => {
            let message = other.to_string();
            bare(message.lines().find(|line| !line.trim().is_empty()).unwrap_or("this is no YAML"))
        }
    }
}

/// The parser's message without its own place, which stands beside it.
fn bare(message: &str) -> String {
    let message = message.strip_prefix("error: ").unwrap_or(message);
    message.split(" at line ").next().unwrap_or(message).trim_end_matches([':', ' ']).to_string()
}

fn at(location: serde_saphyr::Location, length: usize) -> Place {
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    Place {
        line: number(location.line()).max(1),
        column: number(location.column()).max(1),
        length: u32::try_from(length).unwrap_or(u32::MAX).max(1),
    }
}

fn spot(spanned: Spanned<Node>) -> Spot {
    let length = match &spanned.value {
        Node::Text(text) => text.chars().count(),
        Node::Truth(value) => value.to_string().len(),
        Node::Number(number) => number.to_string().len(),
        Node::Null | Node::List(_) | Node::Map(_) => 1,
    };
    Spot { place: at(spanned.referenced, length), node: spanned.value }
}

impl Spot {
    /// Where it stands.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// The same without places.
    pub(crate) fn value(&self) -> Value {
        match &self.node {
            Node::Null => Value::Null,
            Node::Truth(value) => Value::Bool(*value),
            Node::Number(number) => Value::Number(number.clone()),
            Node::Text(text) => Value::String(text.clone()),
            Node::List(list) => Value::Array(list.iter().map(Self::value).collect()),
            Node::Map(map) => Value::Object(map.iter().map(|(key, _, value)| (key.clone(), value.value())).collect()),
        }
    }

    /// The place of the node at `path`, or of the nearest one above it that exists.
    pub(crate) fn find<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Place {
        let mut here = self;
        for part in path {
            match here.child(part) {
                Some(next) => here = next,
                None => break,
            }
        }
        here.place
    }

    /// The place of the key `name` in the map at `path`.
    pub(crate) fn find_key<'a>(&self, path: impl IntoIterator<Item = &'a str>, name: &str) -> Place {
        let mut here = self;
        for part in path {
            match here.child(part) {
                Some(next) => here = next,
                None => return here.place,
            }
        }
        match &here.node {
            Node::Map(map) => map.iter().find(|(key, _, _)| key == name).map_or(here.place, |(_, place, _)| *place),
            Node::Null | Node::Truth(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => here.place,
        }
    }

    fn child(&self, part: &str) -> Option<&Self> {
        match &self.node {
            Node::Map(map) => map.iter().find(|(key, _, _)| key == part).map(|(_, _, value)| value),
            Node::List(list) => list.get(part.parse::<usize>().ok()?),
            Node::Null | Node::Truth(_) | Node::Number(_) | Node::Text(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Truth(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        let number = serde_json::Number::from_f64(value);
        Ok(number.map_or_else(|| Node::Text(value.to_string()), Node::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<Spanned<Node>>()? {
            items.push(spot(item));
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<Spanned<String>, Spanned<Node>>()? {
            let place = at(key.referenced, key.value.chars().count());
            entries.push((key.value, place, spot(value)));
        }
        Ok(Node::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_know_their_places() {
        let tree = parse("zones:\n  proxmox: {region: home}\nlist: [1, two]\n").unwrap();
        assert_eq!(tree.find(["zones", "proxmox", "region"]), Place { line: 2, column: 21, length: 4 });
        assert_eq!(tree.find_key(["zones", "proxmox"], "region"), Place { line: 2, column: 13, length: 6 });
        assert_eq!(tree.find(["list", "1"]), Place { line: 3, column: 11, length: 3 });
        assert_eq!(tree.value()["list"][0], 1);
    }

    #[test]
    fn broken_text_is_one_mistake_with_its_place() {
        let mistake = parse("zones: {a: 1\nnodes: [").unwrap_err();
        assert!(mistake.place.line >= 1 && !mistake.message.is_empty(), "{mistake:?}");
        let twice = parse("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(twice.place.line, 3, "{twice:?}");
        assert_eq!(twice.message, "the key `a` stands twice");
        let several = parse("a: 1\n---\nb: 2\n").unwrap_err();
        assert_eq!(several.message, "there are several documents (---); one is allowed");
    }

    #[test]
    fn bombs_are_refused() {
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_string();
        for (one, other) in "abcdefgh".chars().zip("bcdefghi".chars()) {
            bomb.push_str(&format!("{other}: &{other} [{}]\n", vec![format!("*{one}"); 10].join(",")));
        }
        assert!(parse(&bomb).unwrap_err().message.starts_with("too many aliases"));
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse(&"a: b\n".repeat(LARGEST)).unwrap_err().message.contains("larger"));
    }
}
