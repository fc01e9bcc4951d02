//! Sequences: how they are drawn, played and shrunk.

use std::collections::BTreeMap;
use std::io;

use countersign_formats::DeadLetter;
use countersign_model::vocabulary::{ActionClass, IdentityType, Usage};
use countersign_model::{DecisionKind, Effect};
use countersign_session::{DecisionLine, FindingLine, Notice, Observer, Replay, SessionOptions, run};
use countersign_store::MemoryStore;

use super::estate::{Bound, generation, sources};
use super::moves::MOVES;
use super::owner::OWN;
use super::scene::{BEGIN, Delivery, Random, SECOND, Scene, Victim};
use super::thief::THEFTS;
use crate::permissive::{patience, records};

/// What happens in a step: the place in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happens {
    Own(usize),
    Moved(usize),
    Stolen(usize),
}

impl Happens {
    pub(super) fn name(self) -> &'static str {
        match self {
            Happens::Own(place) => OWN[place].name,
            Happens::Moved(place) => MOVES[place].name,
            Happens::Stolen(place) => THEFTS[place].name,
        }
    }
}

/// One step. Its seed is its own, so that it stays the same when others are left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) happens: Happens,
    pub(super) seed: u64,
}

/// Steps against one victim.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    /// The victim's number, once in a session.
    pub(super) victim: usize,
    pub(super) steps: Vec<Step>,
}

impl Sequence {
    /// Of a seed: 1 to 20 moves amid what the victim does itself, each of that at most once.
    pub(super) fn drawn(victim: usize, random: &mut Random) -> Sequence {
        // Short ones are drawn more often.
        let moves = random.between(1, 20).min(random.between(1, 20));
        let mut steps: Vec<Happens> = (0..moves).map(|_| Happens::Moved(random.below(MOVES.len()))).collect();
        for _ in 0..random.between(1, 5) {
            let own = Happens::Own(random.below(OWN.len()));
            if !steps.contains(&own) {
                steps.insert(random.below(steps.len() + 1), own);
            }
        }
        Sequence::of(victim, &steps, random)
    }

    pub(super) fn of(victim: usize, steps: &[Happens], random: &mut Random) -> Sequence {
        Sequence {
            victim,
            steps: steps.iter().map(|happens| Step { happens: *happens, seed: random.seed() }).collect(),
        }
    }

    pub(super) fn moves(&self) -> impl Iterator<Item = usize> {
        self.steps.iter().filter_map(|step| match step.happens {
            Happens::Moved(place) => Some(place),
            Happens::Own(_) | Happens::Stolen(_) => None,
        })
    }

    fn play(&self) -> Vec<Delivery> {
        // Sequences overlap: others are at work at the same time.
        let begin = BEGIN + i64::try_from(self.victim).unwrap() * 20 * SECOND;
        let mut scene = Scene::new(Victim(self.victim), begin);
        for Step { happens, seed } in &self.steps {
            scene.step(*seed, matches!(happens, Happens::Own(_)));
            match happens {
                Happens::Own(place) => (OWN[*place].happens)(&mut scene),
                Happens::Moved(place) => (MOVES[*place].happens)(&mut scene),
                Happens::Stolen(place) => (THEFTS[*place].happens)(&mut scene),
            }
        }
        scene.deliveries
    }
}

/// What came of sequences in one session.
#[derive(Default)]
pub(super) struct Played {
    pub(super) events: u64,
    pub(super) duplicates: u64,
    /// Dead letters by reason.
    pub(super) dead_letters: BTreeMap<&'static str, u64>,
    /// Findings by rule.
    pub(super) findings: BTreeMap<String, u64>,
    /// Decisions by kind and class of action.
    pub(super) decisions: BTreeMap<String, u64>,
    /// What held proposals past observe back: reasons that ask a person or refuse.
    pub(super) held: BTreeMap<&'static str, u64>,
    /// Decisions that harm a victim without asking anybody.
    pub(super) harmful: Vec<DecisionLine>,
    pub(super) notices: Vec<String>,
}

impl Played {
    pub(super) fn add(&mut self, other: Played) {
        self.events += other.events;
        self.duplicates += other.duplicates;
        other.findings.into_iter().for_each(|(rule, count)| *self.findings.entry(rule).or_default() += count);
        other.decisions.into_iter().for_each(|(kind, count)| *self.decisions.entry(kind).or_default() += count);
        other.dead_letters.into_iter().for_each(|(code, count)| *self.dead_letters.entry(code).or_default() += count);
        other.held.into_iter().for_each(|(code, count)| *self.held.entry(code).or_default() += count);
        self.harmful.extend(other.harmful);
        self.notices.extend(other.notices);
    }
}

/// The number of the victim that an automatic decision contains, or challenges where nobody is there to answer.
pub(super) fn harmed(line: &DecisionLine) -> Option<usize> {
    let automatic = matches!(line.decision, DecisionKind::Execute | DecisionKind::Downgrade);
    let harms = match line.action?.class() {
        ActionClass::Contain => true,
        ActionClass::Challenge => match line.usage {
            Some(usage) => usage != Usage::Interactive,
            None => line.identity_type != IdentityType::Human,
        },
        ActionClass::Observe | ActionClass::Remediate => false,
    };
    let (_, number) = line.identity.as_deref()?.split_once('-')?;
    if automatic && harms { number.parse().ok() } else { None }
}

impl Observer for Played {
    fn finding(&mut self, _: u64, line: &FindingLine) -> io::Result<()> {
        *self.findings.entry(line.rule.to_string()).or_default() += 1;
        Ok(())
    }

    fn decision(&mut self, _: u64, line: &DecisionLine) -> io::Result<()> {
        let class = line.action.or(line.requested_action).map_or("none", |action| action.class().id());
        *self.decisions.entry(format!("{} {class}", line.decision.id())).or_default() += 1;
        let past_observe = line.requested_action.is_some_and(|action| action.class() > ActionClass::Observe);
        for reason in line.reasons.iter().filter(|reason| past_observe && reason.effect != Effect::Allow) {
            *self.held.entry(reason.code.id()).or_default() += 1;
        }
        if harmed(line).is_some() {
            self.harmful.push(line.clone());
        }
        Ok(())
    }

    fn dead_letter(&mut self, _: u64, letter: &DeadLetter) -> io::Result<()> {
        *self.dead_letters.entry(letter.reason_code.code()).or_default() += 1;
        Ok(())
    }

    fn notice(&mut self, _: u64, notice: &Notice) -> io::Result<()> {
        self.notices.push(serde_json::to_string(notice)?);
        Ok(())
    }
}

/// Plays sequences in one session, in the order in which their records are delivered.
pub(super) fn play(sequences: &[Sequence], bound: Bound) -> Played {
    play_deliveries(sequences.iter().flat_map(Sequence::play).collect(), bound)
}

/// The same with what is delivered.
pub(super) fn play_deliveries(mut deliveries: Vec<Delivery>, bound: Bound) -> Played {
    deliveries.sort_by_key(|delivery| delivery.at);
    let sources = sources(bound);
    let lines: Vec<(usize, &str)> =
        deliveries.iter().map(|delivery| (delivery.feed as usize, delivery.line.as_str())).collect();
    let records = records(&sources, &lines);
    let options = SessionOptions { patience: patience(&sources), ..SessionOptions::default() };
    let replay = Replay { inputs: u32::try_from(sources.iter().count()).unwrap(), until: None };
    let mut store = MemoryStore::without_blobs();
    let mut played = Played::default();
    let report = run(records, generation(), &mut store, &options, replay, &mut played).unwrap();
    (played.events, played.duplicates) = (report.summary.events, report.summary.duplicates);
    played
}

/// Leaves out steps as long as the victim is harmed without them. None if it isn't harmed when the sequence is played
/// alone.
pub(super) fn shrink(sequence: &Sequence, bound: Bound) -> Option<Sequence> {
    let harms = |sequence: &Sequence| !play(std::slice::from_ref(sequence), bound).harmful.is_empty();
    if !harms(sequence) {
        return None;
    }
    let mut least = sequence.clone();
    let mut place = 0;
    while place < least.steps.len() {
        let mut without = least.clone();
        without.steps.remove(place);
        if harms(&without) { least = without } else { place += 1 }
    }
    Some(least)
}
