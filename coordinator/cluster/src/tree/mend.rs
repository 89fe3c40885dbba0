//! A tree with another value in the place of a wrong one, so that what stands beside it can be checked too. What is put
//! in stands nowhere: whatever is found to be wrong with it is no news.

use serde_json::Value;

use super::{Node, Spot};
use crate::Place;

/// Lines count from one: no text stands here.
const NOWHERE: Place = Place { line: 0, column: 0, length: 0 };

impl Place {
    /// Whether it is a place in the text.
    pub(crate) fn is_somewhere(self) -> bool {
        self != NOWHERE
    }
}

impl Spot {
    /// A value that nobody wrote.
    fn nowhere(value: Value) -> Self {
        let node = match value {
            Value::Null => Node::Null,
            Value::Bool(truth) => Node::Truth(truth),
            Value::Number(number) => Node::Number(number),
            Value::String(text) => Node::Text(text),
            Value::Array(list) => Node::List(list.into_iter().map(Self::nowhere).collect()),
            Value::Object(map) => {
                Node::Map(map.into_iter().map(|(key, value)| (key, NOWHERE, Self::nowhere(value))).collect())
            }
        };
        Self { node, place: NOWHERE }
    }

    /// Puts a value in the place of the one at `path`.
    pub(crate) fn put(&mut self, path: &[String], value: Value) {
        if let Some(here) = self.at_mut(path) {
            *here = Self::nowhere(value);
        }
    }

    /// Gives the map at `path` a key that it lacks.
    pub(crate) fn add(&mut self, path: &[String], key: &str, value: Value) {
        if let Some(map) = self.map_mut(path).filter(|map| map.iter().all(|(name, _, _)| name != key)) {
            map.push((key.to_owned(), NOWHERE, Self::nowhere(value)));
        }
    }

    /// Takes a key out of the map at `path`.
    pub(crate) fn drop_key(&mut self, path: &[String], key: &str) {
        if let Some(map) = self.map_mut(path) {
            map.retain(|(name, _, _)| name != key);
        }
    }

    /// Gives a key of the map at `path` another name, or takes it out where that name is there already.
    pub(crate) fn rename_key(&mut self, path: &[String], key: &str, name: &str) {
        let Some(map) = self.map_mut(path) else { return };
        if map.iter().any(|(other, _, _)| other == name) {
            map.retain(|(other, _, _)| other != key);
        } else if let Some((old, _, _)) = map.iter_mut().find(|(other, _, _)| other == key) {
            name.clone_into(old);
        }
    }

    fn map_mut(&mut self, path: &[String]) -> Option<&mut Vec<(String, Place, Self)>> {
        match &mut self.at_mut(path)?.node {
            Node::Map(map) => Some(map),
            Node::Null | Node::Truth(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => None,
        }
    }

    fn at_mut(&mut self, path: &[String]) -> Option<&mut Self> {
        let Some((part, rest)) = path.split_first() else { return Some(self) };
        let next = match &mut self.node {
            Node::Map(map) => map.iter_mut().find(|(key, _, _)| key == part).map(|(_, _, value)| value),
            Node::List(list) => list.get_mut(part.parse::<usize>().ok()?),
            Node::Null | Node::Truth(_) | Node::Number(_) | Node::Text(_) => None,
        };
        next?.at_mut(rest)
    }
}
