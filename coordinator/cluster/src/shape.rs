//! The tree against the JSON Schema of the structs: unknown keys, missing keys, wrong types and words, all at once.

use jsonschema::{ValidationError, error::ValidationErrorKind};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::{Mistake, raw, tree::Spot};

/// The schema with everything in one document.
pub(crate) fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let generated = settings.into_generator().into_root_schema_for::<raw::Cluster>();
    let mut schema = generated.to_value();
    words(&mut schema);
    schema
}

/// A word with a meaning of its own is `const` in a list of alternatives; one list of words reads better in a message.
fn words(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(list) = constants(object) {
                object.remove("oneOf");
                object.insert("type".into(), "string".into());
                object.insert("enum".into(), list);
            }
            object.values_mut().for_each(words);
        }
        Value::Array(list) => list.iter_mut().for_each(words),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn constants(object: &Map<String, Value>) -> Option<Value> {
    let alternatives = object.get("oneOf")?.as_array()?;
    alternatives.iter().map(|one| one.get("const").cloned()).collect::<Option<Vec<Value>>>().map(Value::Array)
}

/// Everything that does not have the form of a cluster file.
pub(crate) fn mistakes(tree: &Spot) -> Vec<Mistake> {
    let schema = schema();
    let validator = match jsonschema::validator_for(&schema) {
        Ok(validator) => validator,
        Err(error) => return vec![Mistake::error(tree.place(), format!("the schema cannot be used: {error}"))],
    };
    let value = tree.value();
    validator.iter_errors(&value).flat_map(|error| told(&error, tree, &schema)).collect()
}

/// One error of the validator in words a person can act on.
fn told(error: &ValidationError<'_>, tree: &Spot, schema: &Value) -> Vec<Mistake> {
    let pointer = error.instance_path().to_string();
    let path: Vec<String> = pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let parts = || path.iter().map(String::as_str);
    let name = named(&path);
    let here = tree.find(parts());
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            unexpected.iter().map(|key| unknown_key(tree, &path, key, &known_keys(schema, &path))).collect()
        }
        ValidationErrorKind::Required { property } => {
            let missing = property.as_str().unwrap_or_default();
            vec![Mistake::error(here, format!("{} needs the key `{missing}`", within(&path)))]
        }
        ValidationErrorKind::Enum { options } => {
            let words: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            vec![wrong_word(&name, error.instance(), &words, here)]
        }
        ValidationErrorKind::Type { .. } | ValidationErrorKind::AnyOf { .. } => vec![wrong_type(&path, error, here)],
        _ => vec![Mistake::error(here, format!("{name}: {error}"))],
    }
}

/// The last part of a path, as a sentence names it.
fn named(path: &[String]) -> String {
    path.last().map_or_else(|| "the file".into(), |name| format!("`{name}`"))
}

/// Where a key is missing or too many, in words.
fn within(path: &[String]) -> String {
    if path.is_empty() { "the file".into() } else { format!("`{}`", path.join(".")) }
}

fn unknown_key(tree: &Spot, path: &[String], key: &str, known: &[String]) -> Mistake {
    let place = tree.find_key(path.iter().map(String::as_str), key);
    let full = path.iter().map(String::as_str).chain([key]).collect::<Vec<_>>().join(".");
    let short = full.strip_prefix("spec.").unwrap_or(&full);
    let mistake = Mistake::error(place, format!("unknown key `{short}`"));
    match nearest(key, known.iter().map(String::as_str)) {
        Some(near) => mistake.hint(format!("did you mean `{near}`?")),
        None => mistake.hint(format!("there are: {}", known.join(", "))),
    }
}

fn wrong_word(name: &str, found: &Value, words: &[&str], place: crate::Place) -> Mistake {
    let shown = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
    let mistake = Mistake::error(place, format!("{name} cannot be `{shown}`"));
    match nearest(&shown, words.iter().copied()) {
        Some(near) => mistake.hint(format!("did you mean `{near}`?")),
        None => mistake.hint(format!("there are: {}", words.join(", "))),
    }
}

/// What stands there is of another kind than it should be.
fn wrong_type(path: &[String], error: &ValidationError<'_>, place: crate::Place) -> Mistake {
    let label = path.last().map_or("", String::as_str);
    let name = named(path);
    let above = path.len().checked_sub(2).and_then(|index| path.get(index)).map(String::as_str);
    let is_label = matches!(above, Some("labels" | "set"));
    let found = error.instance();
    match found.as_ref() {
        Value::Bool(_) | Value::Number(_) if is_label => {
            Mistake::error(place, format!("label `{label}` must be text")).hint(format!("write \"{found}\""))
        }
        Value::Bool(false) => Mistake::error(place, format!("{name} cannot be false")).hint("write \"off\" in quotes"),
        Value::Bool(_) | Value::Number(_) => {
            Mistake::error(place, format!("{name} has another type than {found}")).hint(format!("perhaps \"{found}\""))
        }
        Value::Null => {
            Mistake::error(place, format!("{name} is empty")).hint("write {} for all defaults, or take the key away")
        }
        Value::String(_) | Value::Array(_) | Value::Object(_) => {
            let wanted = match error.kind() {
                ValidationErrorKind::Type { kind } => format!("{kind:?}").to_lowercase(),
                _ => "another form".into(),
            };
            Mistake::error(place, format!("{name} has the wrong form: {}", form(&wanted)))
        }
    }
}

/// What a JSON type is called by people who write YAML.
fn form(wanted: &str) -> &'static str {
    match () {
        () if wanted.contains("array") => "a list is expected, [one, two]",
        () if wanted.contains("object") => "keys are expected, {key: value}",
        () if wanted.contains("string") => "text is expected",
        () if wanted.contains("integer") || wanted.contains("number") => "a number is expected",
        () if wanted.contains("boolean") => "true or false is expected",
        () => "see coordctl cluster schema",
    }
}

/// The keys that the schema knows at `path`.
fn known_keys(schema: &Value, path: &[String]) -> Vec<String> {
    let mut here = schema;
    for part in path {
        let next = here
            .get("properties")
            .and_then(|properties| properties.get(part))
            .or_else(|| here.get("additionalProperties").filter(|inner| inner.is_object()))
            .or_else(|| here.get("items"));
        let Some(next) = next else { return Vec::new() };
        // An optional struct is one alternative beside null.
        let alternatives = next.get("anyOf").and_then(Value::as_array);
        here = alternatives.and_then(|list| list.iter().find(|one| one.get("properties").is_some())).unwrap_or(next);
    }
    here.get("properties").and_then(Value::as_object).map(|keys| keys.keys().cloned().collect()).unwrap_or_default()
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
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("regoin", ["region", "zone"]), Some("region"));
        assert_eq!(nearest("x", ["region", "zone"]), None);
    }
}
