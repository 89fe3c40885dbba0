//! The tree against the JSON Schema of the structs: unknown keys, missing keys, wrong types and words, all at once.

use jsonschema::{ValidationError, error::ValidationErrorKind};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::{Mistake, Place, raw, tree::Spot};

mod mend;

use mend::{Mending, placeholder};

/// A mended value can itself lack something, so often.
const ROUNDS: usize = 8;

/// The schema with everything in one document.
pub(crate) fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let generated = settings.into_generator().into_root_schema_for::<raw::Cluster>();
    let mut schema = generated.to_value();
    words(&mut schema);
    schema
}

/// A word with a meaning of its own is `const` in a list of alternatives; one list of words reads better in a message.
/// An optional value is one of the alternatives beside null; one value with two types says what is wrong inside it.
fn words(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(list) = constants(object) {
                object.remove("oneOf");
                object.insert("type".into(), "string".into());
                object.insert("enum".into(), list);
            }
            object.values_mut().for_each(words);
            if let Some(flat) = optional(object) {
                *object = flat;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(words),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `anyOf: [X, null]` as X whose type may be null too.
fn optional(object: &Map<String, Value>) -> Option<Map<String, Value>> {
    let [Value::Object(inner), null] = object.get("anyOf")?.as_array()?.as_slice() else { return None };
    let kind = inner.get("type").filter(|kind| kind.is_string() && null["type"] == "null")?;
    let mut made = inner.clone();
    // What is said of the key is nearer than what is said of its type.
    made.extend(object.iter().filter(|(key, _)| *key != "anyOf").map(|(key, value)| (key.clone(), value.clone())));
    made.insert("type".into(), json!([kind, "null"]));
    if let Some(Value::Array(words)) = made.get_mut("enum") {
        words.push(Value::Null);
    }
    Some(made)
}

fn constants(object: &Map<String, Value>) -> Option<Value> {
    let alternatives = object.get("oneOf")?.as_array()?;
    alternatives.iter().map(|one| one.get("const").cloned()).collect::<Option<Vec<Value>>>().map(Value::Array)
}

/// A tree of the right shape, as far as it can be had, and everything that was wrong with it.
pub(crate) struct Shaped {
    /// The tree; what was put into it stands nowhere.
    pub(crate) tree: Spot,
    /// What was wrong.
    pub(crate) mistakes: Vec<Mistake>,
    /// Whether the rest of the file can be judged by it.
    pub(crate) whole: bool,
}

/// Finds everything that does not have the form of a cluster file, and puts something in its place.
pub(crate) fn shaped(tree: &Spot) -> Shaped {
    let schema = schema();
    let mut shaped = Shaped { tree: tree.clone(), mistakes: Vec::new(), whole: true };
    let validator = match jsonschema::validator_for(&schema) {
        Ok(validator) => validator,
        Err(error) => {
            shaped.mistakes.push(Mistake::error(tree.place(), format!("the schema cannot be used: {error}")));
            return shaped;
        }
    };
    for _ in 0..ROUNDS {
        let value = shaped.tree.value();
        let faults: Vec<Fault> =
            validator.iter_errors(&value).flat_map(|error| faults(&error, &shaped.tree, &schema)).collect();
        if faults.is_empty() {
            return shaped;
        }
        shaped.mend(faults);
    }
    shaped.whole = false;
    shaped
}

impl Shaped {
    fn mend(&mut self, faults: Vec<Fault>) {
        let meant: Vec<(Vec<String>, String)> = faults.iter().filter_map(Fault::meant).collect();
        for Fault { mistake, path, mending } in faults {
            let misspelt = match &mending {
                Mending::Add(key, _) => meant.iter().any(|(place, name)| (place, name) == (&path, key)),
                Mending::Drop(_) | Mending::Rename(_, _) | Mending::Put(_) => false,
            };
            if misspelt {
                continue;
            }
            self.whole &= !mending.blinds(&path);
            if mistake.place.is_somewhere() {
                self.mistakes.push(mistake);
            }
            mending.apply(&mut self.tree, &path);
        }
    }
}

/// One thing of the wrong shape.
struct Fault {
    mistake: Mistake,
    path: Vec<String>,
    mending: Mending,
}

impl Fault {
    /// Where a key was misspelt, and what it was meant to be.
    fn meant(&self) -> Option<(Vec<String>, String)> {
        match &self.mending {
            Mending::Rename(_, name) => Some((self.path.clone(), name.clone())),
            Mending::Drop(_) | Mending::Add(_, _) | Mending::Put(_) => None,
        }
    }
}

/// One error of the validator in words a person can act on.
fn faults(error: &ValidationError<'_>, tree: &Spot, schema: &Value) -> Vec<Fault> {
    let pointer = error.instance_path().to_string();
    let path: Vec<String> = pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let here = tree.find(path.iter().map(String::as_str));
    let wanted = at(schema, &path);
    let put = || Mending::Put(placeholder(wanted, error.instance()));
    let (mistake, mending) = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            return unexpected.iter().map(|key| unknown_key(tree, &path, key, wanted)).collect();
        }
        ValidationErrorKind::Required { property } => {
            let missing = property.as_str().unwrap_or_default();
            let value = placeholder(&wanted["properties"][missing], &Value::Null);
            let mistake = Mistake::error(here, format!("{} needs the key `{missing}`", within(&path)));
            (mistake, Mending::Add(missing.to_owned(), value))
        }
        ValidationErrorKind::Enum { options } => {
            let words: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            (wrong_word(&named(&path), error.instance(), &words, here), put())
        }
        // The words that are allowed say it better.
        ValidationErrorKind::Type { .. } if wanted.get("enum").is_some() => return Vec::new(),
        ValidationErrorKind::Type { .. } => (wrong_type(&path, error, here), put()),
        _ => (Mistake::error(here, format!("{}: {error}", named(&path))), put()),
    };
    vec![Fault { mistake, path, mending }]
}

/// The last part of a path, as a sentence names it.
fn named(path: &[String]) -> String {
    path.last().map_or_else(|| "the file".into(), |name| format!("`{name}`"))
}

/// Where a key is missing or too many, in words.
fn within(path: &[String]) -> String {
    if path.is_empty() { "the file".into() } else { format!("`{}`", path.join(".")) }
}

fn unknown_key(tree: &Spot, path: &[String], key: &str, wanted: &Value) -> Fault {
    let place = tree.find_key(path.iter().map(String::as_str), key);
    let full = path.iter().map(String::as_str).chain([key]).collect::<Vec<_>>().join(".");
    let short = full.strip_prefix("spec.").unwrap_or(&full);
    let mistake = Mistake::error(place, format!("unknown key `{short}`"));
    let known: Vec<&str> =
        wanted["properties"].as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    let (mistake, mending) = match nearest(key, known.iter().copied()) {
        Some(near) => (mistake.hint(did_you_mean(near)), Mending::Rename(key.to_owned(), near.to_owned())),
        None => (mistake.hint(there_are(&known)), Mending::Drop(key.to_owned())),
    };
    Fault { mistake, path: path.to_vec(), mending }
}

fn did_you_mean(near: &str) -> String {
    format!("did you mean `{near}`?")
}

fn there_are(words: &[&str]) -> String {
    format!("there are: {}", words.join(", "))
}

fn wrong_word(name: &str, found: &Value, words: &[&str], place: Place) -> Mistake {
    let shown = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
    let mistake = Mistake::error(place, format!("{name} cannot be `{shown}`"));
    match (found, nearest(&shown, words.iter().copied())) {
        (Value::Null, _) => Mistake::error(place, format!("{name} is empty")).hint(there_are(words)),
        // YAML reads off without quotes as false.
        (Value::Bool(false), _) if words.contains(&"off") => mistake.hint("write \"off\" in quotes"),
        (Value::String(_), Some(near)) => mistake.hint(did_you_mean(near)),
        _ => mistake.hint(there_are(words)),
    }
}

/// What stands there is of another kind than it should be.
fn wrong_type(path: &[String], error: &ValidationError<'_>, place: Place) -> Mistake {
    let label = path.last().map_or("", String::as_str);
    let name = named(path);
    let above = path.len().checked_sub(2).and_then(|index| path.get(index)).map(String::as_str);
    let is_label = matches!(above, Some("labels" | "set"));
    let wanted = match error.kind() {
        ValidationErrorKind::Type { kind } => form(&format!("{kind:?}").to_lowercase()),
        _ => form(""),
    };
    let found = error.instance();
    match found.as_ref() {
        Value::Bool(_) | Value::Number(_) if is_label => {
            Mistake::error(place, format!("label `{label}` must be text")).hint(format!("write \"{found}\""))
        }
        Value::Bool(_) if wanted == TEXT => {
            Mistake::error(place, format!("{name} must be text")).hint("yes, no, on, off, true and false need quotes")
        }
        Value::Number(_) if wanted == TEXT => {
            Mistake::error(place, format!("{name} must be text")).hint(format!("write \"{found}\""))
        }
        Value::Null if path.is_empty() => {
            Mistake::error(place, "the file is empty").hint(format!("the smallest: {SMALLEST}"))
        }
        Value::Null => {
            Mistake::error(place, format!("{name} is empty")).hint("write {} for all defaults, or take the key away")
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            Mistake::error(place, format!("{name} has the wrong form: {wanted}"))
        }
    }
}

/// What is expected where text is.
const TEXT: &str = "text is expected";

/// A cluster file that declares nothing.
const SMALLEST: &str =
    "{apiVersion: coord.homelab/v1, kind: Cluster, metadata: {name: home}, spec: {zones: {}, nodes: {}}}";

/// What a JSON type is called by people who write YAML.
fn form(wanted: &str) -> &'static str {
    match () {
        () if wanted.contains("array") => "a list is expected, [one, two]",
        () if wanted.contains("object") => "keys are expected, {key: value}",
        () if wanted.contains("string") => TEXT,
        () if wanted.contains("integer") || wanted.contains("number") => "a number is expected",
        () if wanted.contains("boolean") => "true or false is expected",
        () => "see coordctl cluster schema",
    }
}

/// The schema of the value at `path`.
fn at<'s>(schema: &'s Value, path: &[String]) -> &'s Value {
    path.iter().fold(schema, |here, part| {
        let named = here.get("properties").and_then(|properties| properties.get(part));
        let any = || here.get("additionalProperties").filter(|inner| inner.is_object());
        named.or_else(any).or_else(|| here.get("items")).unwrap_or(&Value::Null)
    })
}

/// The known word that differs least, if it differs little.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.into_iter().map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate));
    let (distance, best) = scored.min()?;
    (distance <= word.chars().count().div_ceil(3).max(1)).then_some(best)
}

/// Used by the schema's own test.
#[cfg(test)]
fn is_closed<T: schemars::JsonSchema>() -> bool {
    schemars::schema_for!(T).get("additionalProperties") == Some(&Value::Bool(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_struct_is_closed() {
        assert!(is_closed::<raw::Cluster>() && is_closed::<raw::Spec>() && is_closed::<raw::Node>());
        assert!(is_closed::<raw::Mount>() && is_closed::<raw::WorkerSet>() && is_closed::<raw::Kubernetes>());
    }

    #[test]
    fn the_smallest_file_is_good() {
        assert_eq!(crate::read(SMALLEST).mistakes, []);
    }

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("regoin", ["region", "zone"]), Some("region"));
        assert_eq!(nearest("x", ["region", "zone"]), None);
    }
}
