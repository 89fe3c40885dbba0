//! Readings under way: the prober has a task of its own, so that no message of the conversation can disturb it, and
//! what is asked for while it reads is read in the next round.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use coord_model::{AnySection, Command, Expect, Measure, SectionKind};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::outbox::Worth;
use crate::{
    prober::{Due, Prober},
    watch::Storm,
};

/// How old an answer may be that was read before its session.
const FRESH: Duration = Duration::from_secs(3);
/// The most commands that measure something and wait for each other.
const MOST_MEASURED: usize = 8;

/// What one round of reading is for.
#[derive(Debug)]
pub(crate) struct Round {
    kinds: BTreeSet<SectionKind>,
    /// What is measured in this round only.
    measures: Vec<Measure>,
    /// Which differences are worth a message.
    pub(crate) worth: Worth,
    /// Commands that are done when this round is, with their deadlines.
    pub(crate) commands: Vec<(Command, Instant)>,
    /// Whether it was asked for while the pause after another round lasted.
    waited: bool,
}

impl Default for Round {
    fn default() -> Self {
        Self {
            kinds: BTreeSet::new(),
            measures: Vec::new(),
            worth: Worth::Settled,
            commands: Vec::new(),
            waited: false,
        }
    }
}

/// What the prober's task is asked.
enum Request {
    Read(Vec<SectionKind>, Vec<Measure>),
    MountsChanged,
    Expect(Expect),
    Coordinator(String),
}

/// What one reading gave.
struct Answer {
    sections: Vec<AnySection>,
    /// What is suspect, and when it may be asked again.
    due: Due,
}

/// The rounds of readings, over all sessions of a process.
pub(crate) struct Readings {
    requests: mpsc::UnboundedSender<Request>,
    answers: mpsc::UnboundedReceiver<Answer>,
    wanted: Round,
    /// Rounds that measure something, each apart from all others.
    measured: VecDeque<Round>,
    reading: Option<Round>,
    /// When the reading under way began.
    began: Instant,
    earliest: Instant,
    storm: Storm,
    due: Due,
}

impl Readings {
    /// Gives the prober a task. At most one read is under way, so neither queue grows.
    pub(crate) fn start(prober: Prober) -> Self {
        let (requests, received) = mpsc::unbounded_channel();
        let (answer, answers) = mpsc::unbounded_channel();
        drop(tokio::spawn(serve(prober, received, answer)));
        let now = Instant::now();
        Self {
            requests,
            answers,
            wanted: Round::default(),
            measured: VecDeque::new(),
            reading: None,
            began: now,
            earliest: now,
            storm: Storm::default(),
            due: Due::default(),
        }
    }

    /// Reads everything while the first session is being opened.
    pub(crate) fn ahead(&mut self) {
        self.ask(SectionKind::ALL, Worth::Everything);
        self.begin();
    }

    /// A new session: everything is wanted once. Gives back the commands of an older one that were not done.
    pub(crate) fn everything(&mut self) -> Vec<Command> {
        let rounds = self.measured.drain(..).chain([std::mem::take(&mut self.wanted)]);
        let mut dropped: Vec<(Command, Instant)> = rounds.flat_map(|round| round.commands).collect();
        dropped.extend(self.reading.iter_mut().flat_map(|reading| std::mem::take(&mut reading.commands)));
        self.earliest = Instant::now();
        if !self.read_ahead() {
            self.ask(SectionKind::ALL, Worth::Everything);
        }
        dropped.into_iter().map(|(command, _)| command).collect()
    }

    /// Whether the reading under way has everything and is young. An older one is dropped if it has come; else it is
    /// used as far as it goes.
    fn read_ahead(&mut self) -> bool {
        let all = |round: &Round| SectionKind::ALL.iter().all(|kind| round.kinds.contains(kind));
        let young = self.began.elapsed() < FRESH;
        if self.reading.as_ref().is_some_and(|round| young && all(round) && round.worth == Worth::Everything) {
            return true;
        }
        if self.reading.is_some() && !young && self.answers.try_recv().is_ok() {
            self.reading = None;
        }
        false
    }

    /// Asks for sections in the next round.
    pub(crate) fn ask(&mut self, kinds: &[SectionKind], worth: Worth) {
        if self.wanted.kinds.is_empty() {
            self.wanted.waited = Instant::now() < self.earliest;
        }
        self.wanted.kinds.extend(kinds);
        if worth == Worth::Everything {
            self.wanted.worth = worth;
        }
    }

    /// Asks for sections because of a command: at once, since somebody waits. What is measured is measured for it
    /// alone. Gives the command back when too many of that kind wait.
    pub(crate) fn command(
        &mut self,
        command: Command,
        kinds: &[SectionKind],
        measures: &[Measure],
    ) -> Result<(), Command> {
        let due = Instant::now() + command.deadline.min(Duration::from_secs(3600));
        self.earliest = Instant::now();
        if measures.is_empty() {
            self.ask(kinds, Worth::Everything);
            self.wanted.commands.push((command, due));
            return Ok(());
        }
        if self.measured.len() >= MOST_MEASURED {
            return Err(command);
        }
        self.measured.push_back(Round {
            kinds: kinds.iter().copied().collect(),
            measures: measures.to_vec(),
            worth: Worth::Everything,
            commands: vec![(command, due)],
            waited: false,
        });
        Ok(())
    }

    /// The mount table changed: the prober drops what it held against mounts that are gone.
    pub(crate) fn mounts_changed(&mut self) {
        self.tell(Request::MountsChanged);
    }

    /// What the coordinator expects; sections that judge by it are read again.
    pub(crate) fn expect(&mut self, expect: Expect) {
        self.tell(Request::Expect(expect));
        self.ask(&[SectionKind::Mounts, SectionKind::Docker, SectionKind::Network], Worth::Settled);
    }

    /// The address of the session.
    pub(crate) fn coordinator(&mut self, address: String) {
        self.tell(Request::Coordinator(address));
    }

    /// Asks suspects whose pause is over.
    pub(crate) fn ask_suspects(&mut self) {
        let kinds = self.due.kinds(Instant::now().into_std());
        if !kinds.is_empty() && self.reading.is_none() {
            self.ask(&kinds, Worth::Settled);
        }
    }

    /// Whether something is suspect.
    pub(crate) fn suspicious(&self) -> bool {
        !self.due.is_empty()
    }

    fn tell(&self, request: Request) {
        // The task ends with the process only.
        let _ = self.requests.send(request);
    }

    /// The next round with what was read. Cancel safe: a read goes on in its task.
    pub(crate) async fn next(&mut self) -> (Vec<AnySection>, Round) {
        if self.reading.is_none() {
            if self.wanted.kinds.is_empty() && self.measured.is_empty() {
                std::future::pending::<()>().await;
            }
            sleep_until(self.earliest).await;
            self.begin();
        }
        let answer = self.answers.recv().await;
        let round = self.reading.take().unwrap_or_default();
        self.earliest = Instant::now() + self.storm.pause(round.waited);
        let Some(answer) = answer else { return (Vec::new(), round) };
        self.due = answer.due;
        (answer.sections, round)
    }

    /// Begins the oldest round that measures something, since somebody waits for it, or else what is wanted.
    fn begin(&mut self) {
        let round = self.measured.pop_front().unwrap_or_else(|| std::mem::take(&mut self.wanted));
        self.tell(Request::Read(round.kinds.iter().copied().collect(), round.measures.clone()));
        self.began = Instant::now();
        self.reading = Some(round);
    }
}

/// The prober's task.
async fn serve(
    mut prober: Prober,
    mut requests: mpsc::UnboundedReceiver<Request>,
    answer: mpsc::UnboundedSender<Answer>,
) {
    while let Some(request) = requests.recv().await {
        match request {
            Request::MountsChanged => prober.mounts_changed(),
            Request::Expect(expect) => prober.briefing.expect = expect,
            Request::Coordinator(address) => prober.briefing.coordinator = Some(address),
            Request::Read(kinds, measures) => {
                prober.briefing.measures = measures;
                let sections = prober.read(&kinds).await;
                if answer.send(Answer { sections, due: prober.due() }).is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
