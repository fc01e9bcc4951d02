//! Weaponising: can somebody without an account have a victim contained, or a victim's machine challenged, without anybody
//! being asked? From a written list of all that he can cause (`moves`), random sequences are drawn, amid what the victim
//! does itself (`owner`), and played through sources, session, all shipped rules and gate under a policy that permits
//! everything (`estate`). Controls show that the same policy does contain whom a thief acts as (`thief`), that the same
//! forged records do harm by a source that is bound to the victim's tenant, and that the moves are found.

mod aws;
mod estate;
mod forged;
mod moves;
mod okta;
mod owner;
mod scene;
mod search;
mod thief;
mod windows;

use std::collections::BTreeSet;
use std::time::Instant;

use aws::Origin;
use countersign_model::ReasonCode;
use countersign_session::DecisionLine;
use estate::{Bound, VICTIMS};
use forged::change_factors;
use moves::MOVES;
use okta::Act;
use owner::OWN;
use scene::{BEGIN, Random, Scene, Victim};
use search::{Happens, Played, Sequence, harmed, play, play_deliveries, shrink};
use thief::THEFTS;

/// Sequences in the search.
const SEQUENCES: usize = 10_000;

/// Maximum of harmful decisions of a session that are shrunk and printed: each takes many sessions.
const MAX_REPORTED: usize = 10;

/// The seed of the search; another one searches elsewhere.
fn seed() -> u64 {
    std::env::var("COUNTERSIGN_WEAPONISING_SEED").map_or(11, |seed| seed.parse().expect("a number"))
}

#[test]
fn nobody_without_an_account_has_a_victim_contained() {
    let started = Instant::now();
    let mut random = Random::new(seed());
    let (mut all, mut drawn) = (Played::default(), vec![0; MOVES.len()]);
    for session in 0..SEQUENCES / VICTIMS {
        let sequences: Vec<Sequence> = (0..VICTIMS).map(|victim| Sequence::drawn(victim, &mut random)).collect();
        sequences.iter().flat_map(Sequence::moves).for_each(|place| drawn[place] += 1);
        let played = play(&sequences, Bound::ToHisOwn);
        for line in played.harmful.iter().take(MAX_REPORTED) {
            report(session, &sequences[harmed(line).unwrap()], line);
        }
        all.add(played);
    }
    for (one, count) in MOVES.iter().zip(&drawn) {
        println!("{:<28} {count:>5}  {}", one.name, one.what);
    }
    println!(
        "{SEQUENCES} sequences, {} moves, {} events, {} redelivered, dead letters {:?}, {} ms",
        drawn.iter().sum::<usize>(),
        all.events,
        all.duplicates,
        all.dead_letters,
        started.elapsed().as_millis()
    );
    println!("findings: {:#?}\ndecisions: {:#?}\nheld back by: {:#?}", all.findings, all.decisions, all.held);
    assert!(drawn.iter().all(|count| *count > 0), "a move was never drawn: {drawn:?}");
    // What is read as nothing tries nothing: only records far ahead are set aside.
    assert!(all.dead_letters.keys().eq(&["time-far-ahead"]), "{:?}", all.dead_letters);
    assert!(all.notices.is_empty(), "{:?}", &all.notices[..all.notices.len().min(5)]);
    assert!(all.harmful.is_empty(), "{} harmful decisions: see above", all.harmful.len());
    // Not vacuous: these rules find something of what the outsider does, and each of these defences was needed.
    for rule in FOUND {
        let found = all.findings.get(&format!("countersign/{rule}")).copied().unwrap_or_default();
        assert!(found >= 100, "{rule} found {found}");
    }
    for reason in HELD {
        let held = all.held.get(reason.id()).copied().unwrap_or_default();
        assert!(held >= 100, "{reason:?} held {held}");
    }
}

/// Rules whose findings the moves lead to.
const FOUND: &[&str] = &[
    "as-rep-roasting",
    "burst-of-denied-calls",
    "console-login-without-mfa",
    "mfa-fatigue",
    "password-spray",
    "password-spray-succeeded",
];

/// Reasons that hold back what is found of the moves.
const HELD: &[ReasonCode] = &[ReasonCode::EvidenceUnproved, ReasonCode::MerelyNames, ReasonCode::SourceNotBound];

fn report(session: usize, sequence: &Sequence, line: &DecisionLine) {
    println!("session {session}, victim {}: {}", sequence.victim, serde_json::to_string(line).unwrap());
    let (least, alone) = match shrink(sequence, Bound::ToHisOwn) {
        Some(least) => (least, "alone"),
        None => (sequence.clone(), "amid the others only"),
    };
    let steps: Vec<String> =
        least.steps.iter().map(|step| format!("{} ({})", step.happens.name(), step.seed)).collect();
    println!("  {alone}: {}", steps.join("; "));
}

/// The victims' own acts alone harm nobody: what harms in the search is of the moves.
#[test]
fn what_victims_do_themselves_harms_nobody() {
    let mut random = Random::new(seed());
    let own: Vec<Happens> = (0..OWN.len()).map(Happens::Own).collect();
    let sequences: Vec<Sequence> = (0..50)
        .map(|victim| {
            let mut steps = own.clone();
            steps.rotate_left(victim % own.len());
            Sequence::of(victim, &steps, &mut random)
        })
        .collect();
    let played = play(&sequences, Bound::ToHisOwn);
    assert!(played.harmful.is_empty(), "{:#?}", played.harmful);
    assert!(played.dead_letters.is_empty(), "{:?}", played.dead_letters);
    assert_eq!(played.findings.values().sum::<u64>(), 0, "{:?}", played.findings);
}

/// The first control: a thief with a victim's credentials has it contained under the same policy.
#[test]
fn a_thief_has_its_victim_contained() {
    for (place, theft) in THEFTS.iter().enumerate() {
        let sequence = Sequence::of(place, &[Happens::Stolen(place)], &mut Random::new(seed()));
        let played = play(&[sequence], Bound::ToHisOwn);
        println!("{:<45} {:?} {:?}", theft.name, played.findings, played.decisions);
        assert_eq!(!played.harmful.is_empty(), theft.contained, "{}: {:?}", theft.name, played.decisions);
        assert!(!played.findings.is_empty(), "{}", theft.name);
    }
}

/// The second control: the forged records do harm if the operator binds their sources to the victims' tenants.
#[test]
fn forged_records_harm_by_a_source_that_is_bound_to_the_victim() {
    for name in ["forged", "forged-ocsf"] {
        let place = MOVES.iter().position(|one| one.name == name).unwrap();
        let mut random = Random::new(seed());
        let sequences: Vec<Sequence> =
            (0..200).map(|victim| Sequence::of(victim, &[Happens::Moved(place)], &mut random)).collect();
        let [bound, unbound] = [Bound::ToTheVictims, Bound::ToHisOwn].map(|bound| play(&sequences, bound));
        let harmed: BTreeSet<usize> = bound.harmful.iter().filter_map(harmed).collect();
        println!("{name}: {} of 200 victims harmed, {:?}", harmed.len(), bound.findings);
        assert!(harmed.len() >= 50, "{name}: {}, {:?}", harmed.len(), bound.decisions);
        assert!(unbound.harmful.is_empty(), "{:#?}", unbound.harmful);
    }
}

/// A reset of the victim's factors without an enrolment is found. A source that is bound to another tenant says that an
/// account of that tenant enrolled one: that must not hide it.
#[test]
fn a_source_of_another_tenant_does_not_hide_what_was_done_to_a_victim() {
    let found = |forged: bool| {
        let mut scene = Scene::new(Victim(7), BEGIN);
        let reset =
            Act { event: "user.mfa.factor.reset_all", session: "idx-admin", from: Origin::Home, ..Act::default() };
        okta::act(&mut scene, reset);
        if forged {
            change_factors(&mut scene, true, "user.mfa.factor.activate");
        }
        // Time passes, for the timer.
        for _ in 0..40 {
            scene.pass(120);
            let later = Act { event: "user.authentication.sso", from: Origin::Home, ..Act::default() };
            okta::act(&mut scene, later);
        }
        let played = play_deliveries(scene.deliveries, Bound::ToHisOwn);
        played.findings.get("countersign/mfa-factor-reset-without-enrolment").copied().unwrap_or_default()
    };
    assert_eq!((found(false), found(true)), (1, 1));
}
