//! `coordctl explain`: what a code means, with no coordinator.

use coord_model::{API_VERSION, Code};
use serde_json::{Value, json};

use crate::{
    arguments::Explain,
    failure::{Exit, Failure},
    output::Output,
    show,
};

/// Shows one code, or all.
///
/// # Errors
/// When there is no such code.
pub(super) fn run(arguments: &Explain, output: &Output) -> Result<Exit, Failure> {
    match &arguments.code {
        None => {
            let items: Vec<Value> = Code::ALL.iter().map(|code| value(*code)).collect();
            let list = json!({"apiVersion": API_VERSION, "kind": "CodeList", "items": items});
            output.document(&list, show::explain::all)?;
        }
        Some(text) => {
            let code = find(text)?;
            let mut document = json!({"apiVersion": API_VERSION, "kind": "Code"});
            if let (Value::Object(whole), Value::Object(fields)) = (&mut document, value(code)) {
                whole.extend(fields);
            }
            output.document(&document, |look| show::explain::one(code, look))?;
        }
    }
    Ok(Exit::Fine)
}

fn value(code: Code) -> Value {
    let words = code.explain();
    json!({"code": code, "severity": code.severity(), "meaning": words.meaning, "remedy": words.remedy})
}

fn find(text: &str) -> Result<Code, Failure> {
    let text = text.to_lowercase();
    Code::ALL.iter().copied().find(|code| code.as_str() == text).ok_or_else(|| {
        let like = Code::ALL.iter().filter(|code| related(code.as_str(), &text)).map(|code| code.as_str());
        let like: Vec<&str> = like.take(4).collect();
        let failure = Failure::usage(format_args!("there is no code {}", coord_model::clean(&text)));
        match like.as_slice() {
            [] => failure.hint("coordctl explain --list"),
            like => failure.hint(format_args!("coordctl explain {}", like.join("|"))),
        }
    })
}

/// Whether a whole word of what was typed stands in the code.
fn related(code: &str, typed: &str) -> bool {
    typed.split('-').any(|word| word.len() > 2 && code.split('-').any(|part| part == word))
}
