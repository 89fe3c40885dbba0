//! What is asked of the person, before anything is called: a token without echo, or a yes.
//!
//! It happens before the runtime takes over Ctrl-C, so that a prompt can be left with it.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use crate::{
    arguments::{Contexts, Node, NodeEnd, Verb},
    failure::Failure,
    output::Output,
    saved::Saved,
};

/// The longest token that is read: far above any real one.
const MAXIMUM_TOKEN: u64 = 16 * 1024;

/// What the person typed.
pub(crate) enum Typed {
    /// Nothing was asked.
    Nothing,
    /// A token, or what is held for one.
    Token(String),
}

/// Asks what the verb needs.
///
/// # Errors
/// When the answer is no, or nobody can be asked.
pub(crate) fn ask(verb: &Verb, output: &Output) -> Result<Typed, Failure> {
    match verb {
        Verb::Context(Contexts::Add(arguments)) => {
            Saved::of_user()?.check_free(&arguments.name)?;
            token(output).map(Typed::Token)
        }
        Verb::Node(Node::Revoke(node)) => sure(node, "revoke", "its agent is cut off within a second", output),
        Verb::Node(Node::Forget(node)) => sure(node, "forget", "its identity and its facts are dropped", output),
        Verb::Node(Node::Approve(_) | Node::Rename(_))
        | Verb::Context(Contexts::Use(_) | Contexts::List)
        | Verb::Status(_)
        | Verb::Get(_)
        | Verb::Describe(_)
        | Verb::Why(_)
        | Verb::Check(_)
        | Verb::Cluster(_)
        | Verb::Plan(_)
        // It asks when it has shown what for.
        | Verb::Apply(_)
        | Verb::Pause(_)
        | Verb::Resume(_)
        | Verb::Accept(_)
        | Verb::Label(_)
        | Verb::Taint(_)
        | Verb::Explain(_)
        | Verb::Token(_)
        | Verb::Clock(_)
        | Verb::Events(_)
        | Verb::SupportBundle(_)
        | Verb::Completion(_)
        | Verb::Render(_)
        | Verb::Manual(_)
        | Verb::Version(_) => Ok(Typed::Nothing),
    }
}

fn token(output: &Output) -> Result<String, Failure> {
    let cannot = |error: io::Error| Failure::new("cannot read the token").because(&error);
    if io::stdin().is_terminal() {
        return crate::secret::ask("Token: ").map_err(cannot);
    }
    output.talk("reading the token from stdin\n");
    let mut text = String::new();
    io::stdin().lock().take(MAXIMUM_TOKEN).read_to_string(&mut text).map_err(cannot)?;
    Ok(text)
}

fn sure(node: &NodeEnd, verb: &str, effect: &str, output: &Output) -> Result<Typed, Failure> {
    if node.yes || node.dry_run {
        return Ok(Typed::Nothing);
    }
    let name = &node.name;
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format_args!("cannot ask whether to {verb} {name}: stdin is not a terminal"))
            .hint(format_args!("coordctl node {verb} {name} --yes")));
    }
    output.talk(&format!("{verb} {name}? {effect} [y/N] "));
    let _ = io::stderr().flush();
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Failure::new("cannot read the answer").because(&error))?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(Typed::Nothing),
        _ => Err(Failure::new(format_args!("{name} stays as it is"))),
    }
}
