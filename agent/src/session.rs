//! One session: Hello and Welcome, everything once, then what changes, heartbeats, and commands.
//!
//! Nothing here can be held up by a probe: reading runs beside the conversation, in children with deadlines.

use std::time::Duration;

use coord_model::{
    AgentMessage, AnySection, CoordinatorMessage, EndReason, Expect, Hello, MachineEvidence, Outcome, OutcomeResult,
    PROTOCOL, SectionKind, Welcome,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming, transport::Channel};

use crate::{
    host::forget_text,
    probe,
    watch::{self, Restless, Watches},
};

pub(crate) mod evidence;
pub(crate) mod orders;
pub(crate) mod outbox;
mod pace;
pub(crate) mod reading;
mod tick;

use orders::{Orders, Verdict, outcome};
use outbox::{Outbox, Worth};
use pace::Pace;
use reading::Readings;
use tick::Ticks;

/// How long the coordinator may take to say Welcome.
const WELCOME_DEADLINE: Duration = Duration::from_secs(15);
/// What this agent can beside the protocol's first version.
const FEATURES: [&str; 3] = ["refresh", "measure", "expect-mounts"];
/// How many missed answers end the stream.
const MISSED: u32 = 3;
/// Messages that may wait for the network before the session counts as dead.
const WAITING_MESSAGES: usize = 32;

/// What the agent says of itself at the start of each session.
#[derive(Clone, Debug)]
pub(crate) struct Introduction {
    /// What the machine shows.
    pub(crate) evidence: MachineEvidence,
    /// The kernel's boot id.
    pub(crate) boot_id: String,
    /// Drawn when this process started.
    pub(crate) process_number: u64,
}

/// Why a session ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The coordinator said so.
    Told(EndReason, String),
    /// The call failed or the stream broke.
    Failed(Status),
    /// Nothing was heard for three intervals.
    Silence,
    /// The coordinator's epoch is older than one that was obeyed.
    OldEpoch(u64),
    /// There is a new certificate, or none for the asking.
    Renewal,
    /// The process was told to stop.
    Stopped,
}

impl Ended {
    /// Whether the other end could not be understood, or did not understand.
    pub(crate) fn broken_frame(&self) -> bool {
        match self {
            Self::Failed(status) => status.code() == Code::InvalidArgument,
            Self::Told(reason, _) => *reason == EndReason::Misbehaved,
            Self::Silence | Self::OldEpoch(_) | Self::Renewal | Self::Stopped => false,
        }
    }
}

/// What a session leaves behind for the next one.
pub(crate) struct Lasting {
    /// Commands and outcomes.
    pub(crate) orders: Orders,
    /// The last Welcome.
    pub(crate) welcome: Option<Welcome>,
    /// What the coordinator expects to be true; kept while disconnected.
    pub(crate) expect: Expect,
    /// Reads sections.
    pub(crate) readings: Readings,
    /// Whether this machine is read, and not a recorded host, which has no events.
    pub(crate) live: bool,
}

/// What a session may do to the world outside of it.
pub(crate) trait Keeper {
    /// Stores the newest generation and epoch before a command is carried out.
    ///
    /// # Errors
    /// When it could not be stored: the command is then not carried out.
    fn remember(&mut self, generation: u64, epoch: u64) -> Result<(), String>;
    /// Learns from a Welcome: addresses and pace.
    fn welcomed(&mut self, welcome: &Welcome);
    /// Looks after the certificate at each heartbeat; true when the session must make room for another one.
    fn must_reconnect(&mut self) -> bool;
}

/// One running session.
struct Session<'a, K> {
    lasting: &'a mut Lasting,
    keeper: &'a mut K,
    send: mpsc::Sender<AgentMessage>,
    welcome: Welcome,
    outbox: Outbox,
    watches: Watches,
    ticks: Ticks,
    restless: Restless,
    sequence: u64,
    heartbeat: u64,
    heard: Instant,
}

/// Runs one session until it ends. `stop` resolves when the process is told to stop.
pub(crate) async fn run(
    channel: Channel,
    introduction: &Introduction,
    lasting: &mut Lasting,
    keeper: &mut impl Keeper,
    stop: &mut (impl Future<Output = ()> + Unpin),
) -> Ended {
    let (send, receive) = mpsc::channel(WAITING_MESSAGES);
    let hello = hello(introduction, &lasting.orders);
    if send.send(AgentMessage::Hello(hello)).await.is_err() {
        return Ended::Failed(Status::internal("the stream closed at once"));
    }
    let mut client = coord_proto::client::agents(channel);
    let opened = timeout(WELCOME_DEADLINE, async {
        let mut inbound = client.session(ReceiverStream::new(receive)).await?.into_inner();
        let first = inbound.message().await?;
        Ok::<_, Status>((inbound, first))
    });
    let opened = tokio::select! {
        opened = opened => opened,
        () = &mut *stop => return Ended::Stopped,
    };
    let (inbound, first) = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(status)) => return Ended::Failed(status),
        Err(_) => return Ended::Silence,
    };
    let welcome = match first {
        Some(CoordinatorMessage::Welcome(welcome)) => sane(welcome),
        Some(CoordinatorMessage::End { reason, message }) => return Ended::Told(reason, message),
        Some(_) | None => return Ended::Failed(Status::invalid_argument("the coordinator did not say Welcome")),
    };
    if !lasting.orders.meet(welcome.epoch) {
        return Ended::OldEpoch(welcome.epoch);
    }
    keeper.welcomed(&welcome);
    lasting.welcome = Some(welcome.clone());
    for dropped in lasting.readings.everything() {
        let message = "the session ended before it was done";
        lasting.orders.finish(outcome(&dropped, OutcomeResult::Failed, message));
    }
    let mut session = Session {
        watches: Watches::open(lasting.live),
        ticks: Ticks::of(&welcome),
        restless: Restless::default(),
        lasting,
        keeper,
        send,
        welcome,
        outbox: Outbox::default(),
        sequence: 0,
        heartbeat: 0,
        heard: Instant::now(),
    };
    session.converse(inbound, stop).await
}

/// What a session begins with.
pub(crate) fn hello(introduction: &Introduction, orders: &Orders) -> Hello {
    let (newest_generation, newest_epoch) = orders.newest();
    Hello {
        protocol: PROTOCOL,
        features: FEATURES.iter().map(|feature| (*feature).to_string()).collect(),
        version: env!("CARGO_PKG_VERSION").into(),
        evidence: introduction.evidence.clone(),
        boot_id: introduction.boot_id.clone(),
        process_number: introduction.process_number,
        newest_generation,
        newest_epoch,
    }
}

/// A Welcome whose intervals cannot make the agent spin or sleep for ever.
fn sane(welcome: Welcome) -> Welcome {
    let heartbeat = welcome.heartbeat.clamp(Duration::from_millis(200), Duration::from_secs(3600));
    let facts = welcome.facts.clamp(heartbeat, Duration::from_secs(24 * 3600));
    let reconnect_cap = welcome.reconnect_cap.clamp(Duration::from_millis(100), Duration::from_secs(3600));
    Welcome { heartbeat, facts, reconnect_cap, ..welcome }
}

impl<K: Keeper> Session<'_, K> {
    /// The conversation after Welcome.
    async fn converse(
        &mut self,
        mut inbound: Streaming<CoordinatorMessage>,
        stop: &mut (impl Future<Output = ()> + Unpin),
    ) -> Ended {
        for outcome in self.lasting.orders.unheard().cloned().collect::<Vec<_>>() {
            self.tell(AgentMessage::Outcome(outcome));
        }
        let mut pace = match Pace::start(self.welcome.heartbeat) {
            Ok(pace) => pace,
            Err(error) => return Ended::Failed(Status::internal(format!("cannot start a timer: {error}"))),
        };
        loop {
            let silence = self.heard + self.welcome.heartbeat * MISSED;
            tokio::select! {
                message = inbound.message() => match message {
                    Ok(Some(message)) => if let Some(ended) = self.hear(message) { return ended },
                    Ok(None) => return Ended::Failed(Status::unavailable("the coordinator closed the stream")),
                    Err(status) => return Ended::Failed(status),
                },
                (sections, round) = self.lasting.readings.next() => self.read(sections, round),
                beat = pace.beat() => {
                    if let Err(error) = beat {
                        return Ended::Failed(Status::internal(format!("the timer failed: {error}")));
                    }
                    if self.keeper.must_reconnect() {
                        return Ended::Renewal;
                    }
                    self.beat();
                },
                event = self.watches.next() => self.happened(event),
                () = sleep_until(silence) => return Ended::Silence,
                () = &mut *stop => return Ended::Stopped,
            }
            if self.send.is_closed() || self.send.capacity() == 0 {
                return Ended::Silence;
            }
        }
    }

    /// One heartbeat, and what is due with it.
    fn beat(&mut self) {
        self.heartbeat += 1;
        self.tell(AgentMessage::Heartbeat { number: self.heartbeat });
        if self.ticks.reopens(self.heartbeat) {
            self.watches.reopen();
        }
        let readings = &mut self.lasting.readings;
        if self.watches.judge() {
            readings.ask(&[SectionKind::Agent], Worth::Settled);
        }
        let mounts = self.restless.mounts || readings.suspicious();
        if let Some((kinds, worth)) = self.ticks.due(self.heartbeat, Restless { mounts, ..self.restless }) {
            readings.ask(&kinds, worth);
        }
        readings.ask_suspects();
    }

    /// The kernel told something.
    fn happened(&mut self, event: watch::Event) {
        if event.mounts {
            self.lasting.readings.mounts_changed();
        }
        self.lasting.readings.ask(&event.kinds, Worth::Settled);
    }

    /// Puts a message on its way. A full channel means that nothing has left for a long time; the loop ends then.
    fn tell(&self, message: AgentMessage) {
        if self.send.try_send(message).is_err() {
            tracing::debug!("a message did not fit on the stream");
        }
    }

    /// One message from the coordinator; an end when it means one.
    fn hear(&mut self, message: CoordinatorMessage) -> Option<Ended> {
        self.heard = Instant::now();
        match message {
            CoordinatorMessage::Command(command) => self.obey(command),
            CoordinatorMessage::OutcomeHeard { key } => self.lasting.orders.heard(&key),
            CoordinatorMessage::SectionRefused(refusal) => {
                tracing::warn!(section = %refusal.section, field = refusal.field, refusal.message, "the coordinator refused a section");
            }
            CoordinatorMessage::Expect(expect) => self.expect(expect),
            CoordinatorMessage::End { reason, message } => return Some(Ended::Told(reason, message)),
            CoordinatorMessage::Welcome(_) => {
                return Some(Ended::Failed(Status::invalid_argument("a second Welcome")));
            }
            CoordinatorMessage::HeartbeatHeard { .. } | CoordinatorMessage::SectionsHeard { .. } => {}
            CoordinatorMessage::Unrecognised => tracing::debug!("a message that only a newer version knows"),
        }
        None
    }

    /// What the coordinator expects from now on.
    fn expect(&mut self, expect: Expect) {
        if self.lasting.expect != expect {
            self.lasting.expect = expect.clone();
            self.lasting.readings.expect(expect);
        }
    }

    /// Carries out a command, or says why not.
    fn obey(&mut self, command: coord_model::Command) {
        match self.lasting.orders.judge(&command) {
            Verdict::Running => {}
            Verdict::Answer(outcome) => self.tell(AgentMessage::Outcome(outcome)),
            Verdict::Obey => {
                let (generation, epoch) = self.lasting.orders.newest();
                match self.keeper.remember(generation, epoch) {
                    Ok(()) => self.carry_out(command),
                    Err(error) => self.finish(outcome(&command, OutcomeResult::Failed, error)),
                }
            }
        }
    }

    fn carry_out(&mut self, command: coord_model::Command) {
        match &command.action {
            coord_model::CommandAction::Refresh { sections, measures } => {
                let kinds = if sections.is_empty() { SectionKind::ALL.to_vec() } else { sections.clone() };
                let measures = measures.clone();
                if let Err(command) = self.lasting.readings.command(command, &kinds, &measures) {
                    self.finish(outcome(&command, OutcomeResult::Failed, "too many measurements wait already"));
                }
            }
            coord_model::CommandAction::Unrecognised(_) => {
                self.finish(outcome(&command, OutcomeResult::Unsupported, "this agent does not know the command"));
            }
        }
    }

    fn finish(&mut self, outcome: Outcome) {
        self.lasting.orders.finish(outcome.clone());
        self.tell(AgentMessage::Outcome(outcome));
    }

    /// Sections that were read: what is news goes out, then the outcomes of commands that asked for them.
    fn read(&mut self, mut sections: Vec<AnySection>, round: reading::Round) {
        self.watches.learn(&sections);
        self.restless = watch::restless(&sections, self.restless);
        for section in &mut sections {
            if let (AnySection::Agent(agent), Some(rows)) = (section, self.watches.rows()) {
                probe::watched(agent, rows);
            }
        }
        let whole = self.sequence == 0;
        let news = self.outbox.news(sections, round.worth);
        if !news.is_empty() {
            self.sequence += 1;
            let sequence = self.sequence;
            self.tell(AgentMessage::Sections { sequence, whole, sections: news, refused: Vec::new(), unknown: 0 });
        }
        if whole {
            // Start and connect are over, and a quiet agent needs little of what they used.
            forget_text();
        }
        for (command, due) in round.commands {
            let result = if Instant::now() > due { OutcomeResult::TimedOut } else { OutcomeResult::Done };
            self.finish(outcome(&command, result, ""));
        }
    }
}
