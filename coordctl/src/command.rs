//! The verbs, a file each: from arguments to calls, and from answers to `show`.

mod accept;
mod adopt;
mod apply;
mod ask;
mod check;
mod clock;
mod cluster;
mod completion;
mod context;
mod describe;
mod events;
mod explain;
mod follow;
mod get;
mod manual;
mod node;
mod pause;
mod plan;
mod render;
mod status;
mod support_bundle;
mod token;
mod version;
mod why;

use coord_model::Done;

pub(crate) use ask::{Typed, ask};

use crate::{
    arguments::{Describe, Format, Token, Verb},
    connection::Coordinator,
    failure::{Exit, Failure},
    output::Output,
    place::Place,
};

/// Carries out a verb with what was typed for it.
///
/// # Errors
/// Whatever kept it from being carried out.
pub(crate) async fn run(verb: Verb, typed: Typed, place: Option<Place>, output: &Output) -> Result<Exit, Failure> {
    match verb {
        Verb::Explain(arguments) => explain::run(&arguments, output),
        Verb::Completion(arguments) => completion::run(&arguments, output),
        Verb::Manual(arguments) => manual::run(&arguments),
        Verb::Context(arguments) => context::run(arguments, typed, place, output).await,
        Verb::Version(arguments) => version::run(&arguments, place, output).await,
        Verb::Cluster(arguments) => cluster::run(&arguments, place, output).await,
        Verb::Render(arguments) => render::run(&arguments, place, output).await,
        Verb::Status(arguments) => status::run(&arguments, &Coordinator::find(place)?, output).await,
        Verb::Get(arguments) => get::run(&arguments, &Coordinator::find(place)?, output).await,
        Verb::Describe(Describe::Node(node)) => describe::run(&node.name, &Coordinator::find(place)?, output).await,
        Verb::Why(arguments) => why::run(&arguments.subject, &Coordinator::find(place)?, output).await,
        Verb::Check(arguments) => check::run(&arguments, &Coordinator::find(place)?, output).await,
        Verb::Plan(arguments) => plan::run(&arguments, &Coordinator::find(place)?, output).await,
        Verb::Apply(arguments) => apply::run(arguments, &Coordinator::find(place)?, output).await,
        Verb::Pause(arguments) => pause::pause(arguments, &Coordinator::find(place)?, output).await,
        Verb::Resume(arguments) => pause::resume(arguments, &Coordinator::find(place)?, output).await,
        Verb::Accept(arguments) => accept::run(arguments, &Coordinator::find(place)?, output).await,
        Verb::Label(label) => adopt::label(label, &Coordinator::find(place)?, output).await,
        Verb::Taint(taint) => adopt::taint(taint, &Coordinator::find(place)?, output).await,
        Verb::Token(Token::List) => get::tokens(&Coordinator::find(place)?, output).await,
        Verb::Token(Token::Create(arguments)) => token::create(arguments, &Coordinator::find(place)?, output).await,
        Verb::Token(Token::Revoke(arguments)) => token::revoke(arguments, &Coordinator::find(place)?, output).await,
        Verb::Node(arguments) => node::run(arguments, &Coordinator::find(place)?, output).await,
        Verb::Clock(arguments) => clock::run(&arguments, &Coordinator::find(place)?, output).await,
        Verb::Events(arguments) => events::run(&arguments, &Coordinator::find(place)?, output).await,
        Verb::SupportBundle(arguments) => support_bundle::run(&arguments, &Coordinator::find(place)?, output).await,
    }
}

/// Says that a changing verb was carried out; its sentence is talk, and data only for programs.
fn done(done: &Done, output: &Output) -> Result<Exit, Failure> {
    match output.format()? {
        Format::Table | Format::Wide => output.talk(&format!("{}\n", coord_model::clean(&done.message))),
        Format::Json | Format::Yaml => {
            let value = serde_json::json!({
                "apiVersion": coord_model::API_VERSION, "kind": "Done", "message": done.message,
            });
            output.document(&value, |_| String::new())?;
        }
    }
    Ok(Exit::Fine)
}

/// Says what would be done.
fn would(sentence: &str, output: &Output) -> Result<Exit, Failure> {
    output.talk(&format!("would {sentence}; nothing was changed (--dry-run)\n"));
    Ok(Exit::Fine)
}
