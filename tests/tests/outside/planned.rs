//! A plan: what a candidate lets rules see and lead to, and what it would have made of the recorded past, while the
//! generation that serves goes on as if nobody had asked.

use std::sync::mpsc::sync_channel;
use std::time::{Duration, SystemTime};

use countersign_admission::sections;
use countersign_daemon::{
    Aspect, Host, HostOptions, Item, Material, MaterialFile, Plan, PlanError, Reload, Role, UnwellBounds,
};
use countersign_declaration::Declaration;
use countersign_model::Timestamp;
use countersign_model::vocabulary::Action;
use countersign_policy::DEFAULT_POLICY;
use countersign_session::SessionOptions;
use countersign_store::{SqliteStore, Stored};
use tempfile::TempDir;

use crate::determinism::telemetry;
use crate::support::{admitted, engine, shipped};

const SOURCES: &str =
    "version = 1\n[[source]]\nname = \"trail\"\nformat = \"cloudtrail\"\ntenants = [\"aws:*\"]\nkind = \"http\"\n";

const LONG: Duration = Duration::from_secs(120);

fn file(role: Role, bytes: impl AsRef<[u8]>) -> MaterialFile {
    MaterialFile { role, name: role.name().to_owned(), bytes: bytes.as_ref().to_vec() }
}

fn material(rules: &[&[u8]], policy: &str, identities: &str) -> Material {
    let mut files: Vec<MaterialFile> = rules.iter().map(|bytes| file(Role::Rule, bytes)).collect();
    files.extend([file(Role::Policy, policy), file(Role::Identities, identities), file(Role::Sources, SOURCES)]);
    Material { shipped_rules: false, files }
}

/// A host of a folder of its own.
fn start(first: &Material) -> (Host, TempDir) {
    start_with(first, Reload::default())
}

fn start_with(first: &Material, reload: Reload) -> (Host, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let options = HostOptions {
        state: folder.path().to_owned(),
        folder: folder.path().to_owned(),
        engine: engine().clone(),
        session: SessionOptions { workers: 1, ..SessionOptions::default() },
        max_bytes: 1 << 30,
        keep: i64::MAX / 2,
        keep_audit: None,
        reload,
        // It moves, so that events which wait for others have their turn.
        unwell: UnwellBounds::default(),
        clock: || Timestamp(i64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros()).unwrap()),
    };
    let host = Host::start(options, || Ok(first.clone())).unwrap_or_else(|error| panic!("{error}"));
    assert!(host.wait_serving(LONG));
    (host, folder)
}

fn send(host: &Host, bytes: &[u8]) {
    let (answer, answered) = sync_channel(1);
    host.ingest("trail", None, bytes.to_vec(), Box::new(move |result| answer.send(result).unwrap())).unwrap();
    answered.recv().unwrap().unwrap();
}

fn log(folder: &TempDir) -> Vec<String> {
    let store = SqliteStore::read(&folder.path().join("store.db")).unwrap();
    store.lines(0, usize::MAX).unwrap().into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
}

fn plan(host: &Host, candidate: &Material, trial: Option<i64>) -> Plan {
    host.plan(candidate, trial).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn one_more_rule_gains_its_findings_of_the_past() {
    let (telemetry, identities) = telemetry();
    let (burst, console) = (shipped("burst-of-denied-calls"), shipped("console-login-without-mfa"));
    let first = material(&[burst], DEFAULT_POLICY, &identities);
    let (host, folder) = start(&first);
    // Nothing is on record yet.
    let more = material(&[burst, console], DEFAULT_POLICY, &identities);
    let behaviour = plan(&host, &more, None).behaviour.unwrap();
    assert_eq!((behaviour.from, behaviour.enough, behaviour.records), (None, false, 0));
    let lines: Vec<&[u8]> = telemetry.split_inclusive(|byte| *byte == b'\n').collect();
    lines.chunks(1_000).for_each(|lines| send(&host, &lines.concat()));
    assert!(host.wait_judged(LONG), "{:?}", host.status());
    let before = log(&folder);
    let found = plan(&host, &more, None);
    assert_eq!(found.digest, more.manifest().digest());
    assert!(found.widens && found.refused.is_empty(), "{found:?}");
    let behaviour = found.behaviour.unwrap();
    // All of it arrived within seconds.
    assert!(!behaviour.enough && behaviour.cut_short.is_none(), "{behaviour:?}");
    assert_eq!(behaviour.asked, "1d");
    let findings = &behaviour.findings;
    assert!(findings.serving > 0 && findings.gained > 0, "{findings:?}");
    assert_eq!((findings.lost, findings.candidate), (0, findings.serving + findings.gained));
    for group in &findings.groups {
        assert_eq!(group.rule.as_str(), "countersign/console-login-without-mfa");
        assert_eq!((group.serving, group.candidate), (0, group.gained));
        assert_eq!(group.examples_gained.len() as u64, group.gained.min(5));
        assert!(group.examples_gained.iter().all(|example| example.account.is_some() && !example.what.is_empty()));
    }
    assert!(behaviour.decisions.gained >= findings.gained, "{:?}", behaviour.decisions);
    // The one that serves is as it was: the same findings, no other generation, nothing more on record.
    assert_eq!(host.generations().unwrap().len(), 1);
    let after = log(&folder);
    assert_eq!(after[..before.len()], before[..]);
    let count = |part: &str| after.iter().filter(|line| line.contains(part)).count() as u64;
    assert_eq!(count("\"rule\":\"countersign/console-login-without-mfa\""), 0);
    // Its last events still wait for witnesses.
    assert!(count("\"type\":\"finding\"") <= findings.serving);
    // Removed again it loses them.
    host.apply(&more, "test".to_owned(), None).unwrap();
    let back = plan(&host, &first, None).behaviour.unwrap();
    assert_eq!((back.findings.lost, back.findings.gained), (findings.gained, 0));
    assert_eq!(back.decisions.lost, behaviour.decisions.gained);
    host.stop();
    assert!(matches!(host.plan(&first, None), Err(PlanError::Stopping)));
}

#[test]
fn the_same_behaviour_differs_in_nothing() {
    let (telemetry, identities) = telemetry();
    let burst = shipped("burst-of-denied-calls");
    let rules = [burst, shipped("graduated-containment")];
    let first = material(&rules, DEFAULT_POLICY, &identities);
    let (host, _folder) = start(&first);
    send(&host, &telemetry);
    let same = plan(&host, &first, None);
    assert!(!same.differs() && same.difference.is_empty() && same.behaviour.is_none());
    let commented = material(&rules, &format!("{DEFAULT_POLICY}\n# Another.\n"), &identities);
    let found = plan(&host, &commented, None);
    assert!(found.differs() && !found.widens, "{found:?}");
    assert!(found.difference.items.iter().all(|item| item.aspect == Aspect::Text));
    let behaviour = found.behaviour.unwrap();
    assert!(behaviour.findings.serving > 0);
    assert_eq!((behaviour.findings.gained, behaviour.findings.lost), (0, 0));
    assert_eq!((behaviour.decisions.gained, behaviour.decisions.lost), (0, 0));
    assert!(plan(&host, &commented, Some(0)).behaviour.is_none());
    // A policy that lets nothing happen loses no finding, but decisions.
    let strict = plan(&host, &material(&rules, "version = 1\n", &identities), None);
    assert!(!strict.widens, "{strict:?}");
    let behaviour = strict.behaviour.unwrap();
    assert_eq!((behaviour.findings.gained, behaviour.findings.lost), (0, 0));
    assert!(behaviour.decisions.lost > 0 && behaviour.decisions.gained > 0, "{:?}", behaviour.decisions);
    // What has faults can't be compared.
    let Err(PlanError::Faults(faults)) = host.plan(&material(&[], "nonsense", "more"), None) else { panic!() };
    assert!(faults.len() >= 2, "{faults:?}");
    let refused = plan(&host, &material(&[burst, b"junk"], DEFAULT_POLICY, &identities), Some(0));
    assert_eq!(refused.refused.len(), 1);
    host.stop();
}

/// The items of a change of a rule, each in a line: `!` where it widens.
fn items(change: impl Fn(&mut Declaration), policy: &str) -> Vec<String> {
    let rule = |change: &dyn Fn(&mut Declaration)| {
        let shipped = admitted(shipped("burst-of-denied-calls"));
        let mut declaration = shipped.declaration().clone();
        declaration.id = "local/burst".parse().unwrap();
        declaration.version = semver(2);
        change(&mut declaration);
        sections::attach(shipped.component(), &declaration, shipped.data()).unwrap()
    };
    let first = material(&[&rule(&|_| {})], "version = 1\n", "");
    let candidate = material(&[&rule(&change)], policy, "");
    let [serving, candidate] = [first, candidate].map(|material| material.build(engine()).unwrap());
    assert!(candidate.left_out.is_empty(), "{:?}", candidate.left_out);
    let difference = countersign_daemon::Difference::between(&serving, &candidate);
    let line = |item: &Item| {
        let sign = if item.widens { "!" } else { "" };
        format!("{sign}{} {}: {}", item.aspect, item.subject, item.change)
    };
    difference.items.iter().map(line).collect()
}

fn semver(minor: u64) -> semver::Version {
    semver::Version::new(0, minor, 0)
}

#[test]
fn a_rule_that_sees_or_leads_to_more_widens() {
    const NONE: &str = "version = 1\n";
    let set = |settings: &str| format!("version = 1\n[rule.\"local/burst\"]\n{settings}\n");
    assert_eq!(items(|_| {}, NONE), [""; 0]);
    let quarantine = |one: &mut Declaration| one.actions.push(Action::QuarantineWorkload);
    assert_eq!(items(quarantine, NONE), ["!permission local/burst: + actions: quarantine-workload"]);
    let fewer = |one: &mut Declaration| one.actions.retain(|action| *action != Action::Notify);
    assert_eq!(items(fewer, NONE), ["permission local/burst: - actions: notify"]);
    assert_eq!(
        items(|one| one.confidence_floor = 10, NONE),
        ["!permission local/burst: + confidence-floor: 10, was 60"]
    );
    assert_eq!(items(|one| one.version = semver(3), NONE), ["rule local/burst: version 0.3.0, was 0.2.0"]);
    assert_eq!(
        items(|one| one.version = semver(1), NONE),
        ["!rule local/burst: version 0.1.0, was 0.2.0, an older one"]
    );
    let filter = |one: &mut Declaration| one.filter = countersign_declaration::Filter::Always;
    assert_eq!(
        items(filter, NONE),
        [
            "!permission local/burst: - fields: action_id".trim_start_matches('!'),
            "!permission local/burst: another filter of events",
        ]
    );
    let more = items(|one| one.limits.fuel += 1, NONE);
    assert!(matches!(&more[..], [line] if line.starts_with("!permission local/burst: limits")), "{more:?}");
    let less = items(|one| one.limits.fuel -= 1, NONE);
    assert!(matches!(&less[..], [line] if line.starts_with("permission local/burst: limits")), "{less:?}");
    assert_eq!(items(|one| one.slots[0].max_keys += 1, NONE), ["!permission local/burst: other state or timers"]);
    assert_eq!(
        items(|_| {}, &set("parameters = { threshold = 20 }")),
        ["!parameter local/burst: threshold = 20, was 10"]
    );
    assert_eq!(items(|_| {}, &set("cap = 50")), ["policy local/burst: confidence at most 50, was 100"]);
    assert_eq!(items(|_| {}, &set("enabled = false")), ["!rule local/burst: switched off: detection 0.2.0"]);
    assert_eq!(
        items(|one| one.description = "Another.".to_owned(), NONE),
        ["text rules: other files, which mean the same"]
    );
}

/// Waits until a host says something of the files that it watches.
fn wait(host: &Host, what: &str, is_so: impl Fn() -> bool) {
    let started = std::time::Instant::now();
    while !is_so() {
        assert!(started.elapsed() < LONG, "expected {what}, got {:?}", host.on_disk());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn watched_files_are_applied_only_as_far_as_they_may_be() {
    use countersign_configuration::Change;
    use countersign_daemon::{ApplyError, ChangeKind, Files};

    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let alice = "[[identity]]\nid = \"alice\"\ntier = \"high\"\n";
    write("identities.toml", alice);
    write("policy.toml", DEFAULT_POLICY);
    let roles = [(Role::Identities, "identities.toml"), (Role::Policy, "policy.toml")];
    let paths = roles.map(|(role, name)| (role, folder.path().join(name))).to_vec();
    let files = Files { shipped_rules: false, paths };
    let changes = [(ChangeKind::Identities, Change::Automatic), (ChangeKind::Policy, Change::Refused)].into();
    let reload = Reload { changes, trial: 0, shadow: 0, ..Reload::default() };
    let (host, _state) = start_with(&files.read().unwrap(), reload);
    host.watch(files.clone(), true).unwrap();
    let applied = || host.generations().unwrap().len();
    let reasons = || host.on_disk().map(|on_disk| on_disk.reasons.join("\n")).unwrap_or_default();

    // What protects more is applied by itself, once it stands still.
    write("identities.toml", &format!("{alice}break-glass = true\n"));
    wait(&host, "the protection applied", || applied() == 2);
    assert_eq!(host.generations().unwrap()[1].word.by, "watch");
    // What drops it waits, and isn't tried again.
    write("identities.toml", alice);
    wait(&host, "a reason", || reasons().contains("not break-glass any more (it widens)"));
    // What has faults waits too, and what is never applied.
    write("policy.toml", "nonsense");
    wait(&host, "the fault", || reasons().contains("policy.toml"));
    write("policy.toml", "version = 1\n");
    write("identities.toml", &format!("{alice}break-glass = true\n"));
    wait(&host, "a refusal", || reasons().contains("`reload.policy = \"refused\"`"));
    let Err(ApplyError::Refused(refused)) = host.apply(&files.read().unwrap(), "test".to_owned(), None) else {
        panic!()
    };
    assert!(refused.iter().all(|reason| reason.contains("refused")), "{refused:?}");
    write("policy.toml", DEFAULT_POLICY);
    wait(&host, "nothing to say", || host.on_disk().is_none());
    // A person may roll back; the files wait until they change.
    host.roll_back(1, "test".to_owned(), None, false).unwrap();
    host.look();
    wait(&host, "files that wait", || reasons().contains("they served before"));
    host.reload();
    wait(&host, "the files applied when asked", || applied() == 4);
    host.stop();
}

/// Sources whose records are the test's, and one more file that is watched.
fn watched(folder: &TempDir, rules: &[&[u8]], identities: &str) -> countersign_daemon::Files {
    let mut paths = Vec::new();
    let mut write = |role: Role, name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        paths.push((role, path));
    };
    for (number, bytes) in rules.iter().enumerate() {
        write(Role::Rule, &format!("{number}.wasm"), bytes);
    }
    write(Role::Policy, "policy.toml", DEFAULT_POLICY.as_bytes());
    write(Role::Identities, "identities.toml", identities.as_bytes());
    write(Role::Sources, "sources.toml", SOURCES.as_bytes());
    countersign_daemon::Files { shipped_rules: false, paths }
}

#[test]
fn a_candidate_is_tried_and_runs_beside_before_it_serves() {
    use countersign_configuration::Change;
    use countersign_daemon::{ChangeKind, Stage};

    let (telemetry, identities) = telemetry();
    let lines: Vec<&[u8]> = telemetry.split_inclusive(|byte| *byte == b'\n').collect();
    let (past, coming) = lines.split_at(lines.len() / 2);
    let folder = tempfile::tempdir().unwrap();
    let rules = [shipped("burst-of-denied-calls"), shipped("graduated-containment")];
    let files = watched(&folder, &rules, &identities);
    let changes = [(ChangeKind::Identities, Change::Automatic), (ChangeKind::Policy, Change::Automatic)].into();
    let reload = Reload { changes, trial: 1, shadow: 4_000_000, partial: false };
    let (host, _state) = start_with(&files.read().unwrap(), reload);
    past.chunks(past.len() / 4).for_each(|lines| send(&host, &lines.concat()));
    assert!(host.wait_judged(LONG));
    host.watch(files.clone(), true).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let stage = || host.on_disk().map(|on_disk| on_disk.stage);

    // One more identity that is protected changes nothing of what is found.
    let guarded = format!("{identities}\n[[identity]]\nid = \"guarded\"\nbreak-glass = true\n");
    write("identities.toml", &guarded);
    wait(&host, "a shadow", || stage() == Some(Stage::Shadow));
    // Its state is copied a moment later: what comes before that isn't its.
    for lines in coming.chunks(coming.len() / 10) {
        std::thread::sleep(Duration::from_millis(100));
        send(&host, &lines.concat());
    }
    wait(&host, "it to serve", || host.generations().unwrap().len() == 2);
    let applied = host.generations().unwrap().remove(1);
    let reason = applied.word.reason.unwrap();
    assert!(reason.contains("trial of ") && reason.contains("shadow of 4s"), "{reason}");
    let none = "findings 0 gained and 0 lost, decisions 0 gained and 0 lost";
    assert_eq!(reason.matches(none).count(), 2, "{reason}");
    assert!(!reason.contains("shadow of 4s, 0 records"), "{reason}");

    // What changes while it is tried is another change: the one before is never applied.
    write("identities.toml", &format!("{guarded}\n[[identity]]\nid = \"first\"\nbreak-glass = true\n"));
    wait(&host, "a shadow", || stage() == Some(Stage::Shadow));
    write("identities.toml", &format!("{guarded}\n[[identity]]\nid = \"second\"\nbreak-glass = true\n"));
    // A shadow that saw nothing shows nothing.
    wait(&host, "the last one to serve", || {
        send(&host, coming[0]);
        std::thread::sleep(Duration::from_millis(200));
        host.generations().unwrap().len() == 3
    });
    assert_eq!(host.serving().unwrap().digest(), files.read().unwrap().manifest().digest());
    host.stop();
}

#[test]
fn a_shadow_sees_what_state_carried_over_finds() {
    // Nothing is asked of the past, and what serves has state from before the shadow began.
    use countersign_configuration::Change;
    use countersign_daemon::{ChangeKind, Stage};

    let (telemetry, identities) = telemetry();
    let lines: Vec<&[u8]> = telemetry.split_inclusive(|byte| *byte == b'\n').collect();
    let folder = tempfile::tempdir().unwrap();
    let rules = [shipped("burst-of-denied-calls"), shipped("graduated-containment")];
    let files = watched(&folder, &rules, &identities);
    let changes = [(ChangeKind::Policy, Change::Automatic), (ChangeKind::Identities, Change::Automatic)].into();
    let (host, _state) =
        start_with(&files.read().unwrap(), Reload { changes, trial: 0, shadow: 3_000_000, partial: false });
    let half = lines.len() / 2;
    lines[..half].chunks(1_000).for_each(|lines| send(&host, &lines.concat()));
    assert!(host.wait_judged(LONG));
    host.watch(files, true).unwrap();
    // A policy that lets nothing happen narrows, and would decide otherwise.
    std::fs::write(folder.path().join("policy.toml"), "version = 1\n").unwrap();
    wait(&host, "a shadow", || host.on_disk().is_some_and(|on_disk| on_disk.stage == Stage::Shadow));
    lines[half..].chunks(1_000).for_each(|lines| send(&host, &lines.concat()));
    wait(&host, "it to serve", || host.generations().unwrap().len() == 2);
    let reason = host.generations().unwrap().remove(1).word.reason.unwrap();
    assert!(reason.contains("findings 0 gained and 0 lost") && !reason.contains("decisions 0 gained"), "{reason}");
    host.stop();
}

#[test]
fn a_rule_with_a_fault_is_left_out_only_where_that_is_allowed() {
    let (_, identities) = telemetry();
    let burst = shipped("burst-of-denied-calls");
    let first = material(&[burst], DEFAULT_POLICY, &identities);
    let bad = material(&[burst, b"junk"], DEFAULT_POLICY, &identities);
    let (host, _folder) = start_with(&first, Reload { partial: true, ..Reload::default() });
    let found = plan(&host, &bad, Some(0));
    assert_eq!((found.refused.len(), found.left_out.len()), (0, 1));
    host.apply(&bad, "test".to_owned(), None).unwrap();
    assert!(host.wait_judged(LONG));
    wait(&host, "what is left out", || host.status().judged.left_out.len() == 1);
    host.stop();
}
