//! A view that is shown again whenever it changes, over connections that may break.

use std::{ops::ControlFlow, time::Duration};

use coord_model::{Read, ViewKind};
use jiff::Timestamp;

use crate::{
    answer::{self, Answer},
    arguments::Format,
    cache::{Cache, Kept},
    connection::Coordinator,
    failure::{Exit, Failure},
    output::Output,
    show,
};

/// Between attempts to reach a coordinator that went away.
const AGAIN: Duration = Duration::from_secs(2);

/// How often what is watched is written to the file of last answers.
const KEEP: Duration = Duration::from_secs(60);

/// Gives every new answer to `draw` until it breaks off; while the coordinator is away, the last one marked as old.
///
/// # Errors
/// When the first answer is refused or does not come and there is no older one, and what `draw` says.
pub(super) async fn follow(
    coordinator: &Coordinator,
    read: &Read,
    output: &Output,
    mut draw: impl FnMut(Answer) -> Result<ControlFlow<Exit>, Failure>,
) -> Result<Exit, Failure> {
    let cache = Cache::of_user(&coordinator.place.to_string());
    let mut last = cache.as_ref().and_then(|cache| cache.last(read.view, &read.name));
    let mut kept_at: Option<tokio::time::Instant> = None;
    loop {
        let ended = stream(coordinator, read, |answer| {
            if kept_at.is_none_or(|at| at.elapsed() >= KEEP) {
                answer::keep(cache.as_ref(), read.view, &read.name, &answer, output);
                kept_at = Some(tokio::time::Instant::now());
            }
            last = Some(Kept { received: Timestamp::now(), document: answer.value.clone() });
            draw(answer)
        });
        let failure = match ended.await {
            Ok(exit) => return Ok(exit),
            Err(failure) if failure.exit == Exit::Away => failure,
            Err(failure) => return Err(failure),
        };
        let kept = last.clone().ok_or_else(|| failure.clone())?;
        let old = Answer::old(kept, Timestamp::now(), &coordinator.address, failure);
        if let ControlFlow::Break(exit) = draw(old)? {
            return Ok(exit);
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// One connection's worth; an end without a reason is the coordinator going away.
async fn stream(
    coordinator: &Coordinator,
    read: &Read,
    mut each: impl FnMut(Answer) -> Result<ControlFlow<Exit>, Failure>,
) -> Result<Exit, Failure> {
    let mut documents = coordinator.call().await?.watch(read.clone()).await?;
    while let Some(document) = coordinator.next(&mut documents).await? {
        if let ControlFlow::Break(exit) = each(Answer::fresh(&document.json)?)? {
            return Ok(exit);
        }
    }
    Err(Failure::away(&coordinator.address).cause("the coordinator ended the stream"))
}

/// Keeps a view on the screen until Ctrl-C.
///
/// # Errors
/// As [`follow`].
pub(super) async fn screen(
    coordinator: &Coordinator,
    view: ViewKind,
    name: &str,
    output: &Output,
    text: impl Fn(&Answer) -> Result<String, Failure>,
) -> Result<Exit, Failure> {
    let read = Read { view, name: name.to_owned(), after: 0 };
    let mut first = true;
    follow(coordinator, &read, output, |answer| {
        output.redraw(&text(&answer)?, first)?;
        first = false;
        Ok(ControlFlow::Continue(()))
    })
    .await
}

/// Programs read stdout, where an old answer only says that it is old; why goes to stderr. People see it above.
///
/// # Errors
/// When the format cannot be told.
pub(super) fn explain_stale(answer: &Answer, output: &Output) -> Result<(), Failure> {
    match (output.format()?, &answer.stale) {
        (Format::Json | Format::Yaml, Some(stale)) => output.talk(&show::failure::failure(&stale.failure)),
        (Format::Json | Format::Yaml, None) | (Format::Table | Format::Wide, _) => {}
    }
    Ok(())
}
