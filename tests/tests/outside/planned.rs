//! A plan: what a candidate lets rules see and lead to, and what it would have made of the recorded past, while the
//! generation that serves goes on as if nobody had asked.

use std::sync::mpsc::channel;
use std::time::Duration;

use countersign_admission::sections;
use countersign_daemon::{Aspect, Host, HostOptions, Item, Material, MaterialFile, Plan, PlanError, Reload, Role};
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

/// A host of a folder of its own, whose clock stands.
fn start(first: &Material) -> (Host, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let options = HostOptions {
        state: folder.path().to_owned(),
        folder: folder.path().to_owned(),
        engine: engine().clone(),
        session: SessionOptions { workers: 1, ..SessionOptions::default() },
        max_bytes: 1 << 30,
        keep: i64::MAX / 2,
        reload: Reload::default(),
        clock: || Timestamp(1_800_000_000_000_000),
    };
    let host = Host::start(options, first).unwrap_or_else(|error| panic!("{error}"));
    assert!(host.wait_serving(LONG));
    (host, folder)
}

fn send(host: &Host, bytes: &[u8]) {
    let (answer, answered) = channel();
    host.ingest("trail", None, bytes.to_vec(), Box::new(move |result| answer.send(result).unwrap())).unwrap();
    answered.recv().unwrap().unwrap();
    assert!(host.wait_judged(LONG));
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
    telemetry.chunks(100_000).for_each(|bytes| send(&host, bytes));
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
    let first = material(&[burst], DEFAULT_POLICY, &identities);
    let (host, _folder) = start(&first);
    send(&host, &telemetry);
    let same = plan(&host, &first, None);
    assert!(!same.differs() && same.difference.is_empty() && same.behaviour.is_none());
    let commented = material(&[burst], &format!("{DEFAULT_POLICY}\n# Another.\n"), &identities);
    let found = plan(&host, &commented, None);
    assert!(found.differs() && !found.widens, "{found:?}");
    assert!(found.difference.items.iter().all(|item| item.aspect == Aspect::Text));
    let behaviour = found.behaviour.unwrap();
    assert!(behaviour.findings.serving > 0);
    assert_eq!((behaviour.findings.gained, behaviour.findings.lost), (0, 0));
    assert_eq!((behaviour.decisions.gained, behaviour.decisions.lost), (0, 0));
    assert!(plan(&host, &commented, Some(0)).behaviour.is_none());
    // A policy that lets nothing happen loses no finding, but decisions.
    let strict = plan(&host, &material(&[burst], "version = 1\n", &identities), None);
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
