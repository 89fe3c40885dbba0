//! Readings under way: the prober has a task of its own, so that no message of the conversation can disturb it, and
//! what is asked for while it reads is read in the next round.

use std::{collections::BTreeSet, time::Duration};

use coord_model::{AnySection, Command, SectionKind};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::outbox::Worth;
use crate::prober::Prober;

/// The first event is read at once, then at most one read a second.
const PAUSE: Duration = Duration::from_secs(1);

/// What one round of reading is for.
#[derive(Debug)]
pub(crate) struct Round {
    kinds: BTreeSet<SectionKind>,
    /// Which differences are worth a message.
    pub(crate) worth: Worth,
    /// Commands that are done when this round is, with their deadlines.
    pub(crate) commands: Vec<(Command, Instant)>,
}

impl Default for Round {
    fn default() -> Self {
        Self { kinds: BTreeSet::new(), worth: Worth::Settled, commands: Vec::new() }
    }
}

/// What the prober's task is asked.
enum Request {
    Read(Vec<SectionKind>),
    MountsChanged,
}

/// The rounds of readings, over all sessions of a process.
pub(crate) struct Readings {
    requests: mpsc::UnboundedSender<Request>,
    answers: mpsc::UnboundedReceiver<Vec<AnySection>>,
    wanted: Round,
    reading: Option<Round>,
    earliest: Instant,
}

impl Readings {
    /// Gives the prober a task. At most one read is under way, so neither queue grows.
    pub(crate) fn start(prober: Prober) -> Self {
        let (requests, received) = mpsc::unbounded_channel();
        let (answer, answers) = mpsc::unbounded_channel();
        drop(tokio::spawn(serve(prober, received, answer)));
        Self { requests, answers, wanted: Round::default(), reading: None, earliest: Instant::now() }
    }

    /// A new session: everything is wanted once. Gives back the commands of an older one that were not done.
    pub(crate) fn everything(&mut self) -> Vec<Command> {
        let mut dropped = std::mem::take(&mut self.wanted).commands;
        // An answer that is still under way is used as far as it goes.
        dropped.extend(self.reading.iter_mut().flat_map(|reading| std::mem::take(&mut reading.commands)));
        self.earliest = Instant::now();
        self.ask(SectionKind::ALL, Worth::Everything);
        dropped.into_iter().map(|(command, _)| command).collect()
    }

    /// Asks for sections in the next round.
    pub(crate) fn ask(&mut self, kinds: &[SectionKind], worth: Worth) {
        self.wanted.kinds.extend(kinds);
        if worth == Worth::Everything {
            self.wanted.worth = worth;
        }
    }

    /// Asks for sections because of a command: at once, since somebody waits.
    pub(crate) fn command(&mut self, command: Command, kinds: &[SectionKind]) {
        let due = Instant::now() + command.deadline.min(Duration::from_secs(3600));
        self.ask(kinds, Worth::Everything);
        self.wanted.commands.push((command, due));
        self.earliest = Instant::now();
    }

    /// The mount table changed: the prober drops what it held against mounts that are gone, and reads them again.
    pub(crate) fn mounts_changed(&mut self) {
        // The task ends with the process only.
        let _ = self.requests.send(Request::MountsChanged);
        self.ask(&[SectionKind::Mounts, SectionKind::Disk], Worth::Settled);
    }

    /// The next round with what was read. Cancel safe: a read goes on in its task.
    pub(crate) async fn next(&mut self) -> (Vec<AnySection>, Round) {
        if self.reading.is_none() {
            if self.wanted.kinds.is_empty() {
                std::future::pending::<()>().await;
            }
            sleep_until(self.earliest).await;
            self.begin();
        }
        let sections = self.answers.recv().await.unwrap_or_default();
        self.earliest = Instant::now() + PAUSE;
        (sections, self.reading.take().unwrap_or_default())
    }

    fn begin(&mut self) {
        let round = std::mem::take(&mut self.wanted);
        let _ = self.requests.send(Request::Read(round.kinds.iter().copied().collect()));
        self.reading = Some(round);
    }
}

/// The prober's task.
async fn serve(
    mut prober: Prober,
    mut requests: mpsc::UnboundedReceiver<Request>,
    answer: mpsc::UnboundedSender<Vec<AnySection>>,
) {
    while let Some(request) = requests.recv().await {
        match request {
            Request::MountsChanged => prober.mounts_changed(),
            Request::Read(kinds) => {
                if answer.send(prober.read(&kinds).await).is_err() {
                    return;
                }
            }
        }
    }
}
