//! The whole path at its most permissive: what attempts on belief are made in. Each attempt has one weakness; the same
//! without it is automatic, which is checked beside it.

use std::io;

use countersign_formats::DeadLetter;
use countersign_generation::{Generation, RuleFile, Settings};
use countersign_inputs::Sources;
use countersign_model::vocabulary::ActionClass;
use countersign_model::{DecisionKind, ReasonCode, Timestamp};
use countersign_policy::{Capabilities, Directory, Policy, SourceFile, Trust};
use countersign_session::{DecisionLine, Notice, Observer, Replay, SessionOptions, run};
use countersign_store::MemoryStore;

use super::Defence;
use crate::handmade::{DECLARATION, FINDING, HONEST, Parts, component, module, response};
use crate::permissive::{POLICY, capabilities, patience, records};
use crate::support::engine;

const TRUST: &str = r#"
[publisher.hostile]
unsigned = true
grant = { actions = "*", identity-types = "*", signal-classes = "*" }

[publisher.example]
unsigned = true
grant = { actions = "*", identity-types = "*", signal-classes = "*" }
"#;

/// A source that is bound to the victims' account, one that is bound to another, and one of the victims' that may lead to
/// a challenge at most; by their places.
const SOURCES: &str = r#"
version = 1

[[source]]
name = "own"
format = "cloudtrail"
tenants = ["aws:111122223333"]

[[source]]
name = "other"
format = "cloudtrail"
tenants = ["aws:999988887777"]

[[source]]
name = "limited"
format = "cloudtrail"
tenants = ["aws:111122223333"]
highest-class = "challenge"
"#;

pub(super) const OWN: usize = 0;
pub(super) const OTHER: usize = 1;
pub(super) const LIMITED: usize = 2;

/// Anna and her machine; the role `AROASHARED`; and somebody privileged.
const IDENTITIES: &str = r#"
[[identity]]
id = "anna"
type = "human"
tier = "standard"
[[identity.account]]
provider = "aws"
tenant = "111122223333"
subject = "AIDAANNA"
[[identity.account]]
provider = "windows"
tenant = "S-1-5-21-1-2-3"
subject = "S-1-5-21-1-2-3-1104"

[[identity]]
id = "machine"
type = "service-account"
tier = "standard"
owner = "anna"
[[identity.account]]
provider = "aws"
tenant = "111122223333"
subject = "AIDAMACHINE"

[[identity]]
id = "team"
type = "human"
tier = "standard"
[[identity.account]]
provider = "aws"
tenant = "111122223333"
subject = "AROASHARED"

[[identity]]
id = "chief"
type = "human"
tier = "high"
[[identity.account]]
provider = "aws"
tenant = "111122223333"
subject = "AIDACHIEF"
"#;

/// Who calls: members of a record.
pub(super) fn user(id: &str, key: &str) -> String {
    format!(
        r#"{{"type":"IAMUser","principalId":"{id}","arn":"arn:aws:iam::111122223333:user/u","accountId":"111122223333","accessKeyId":"{key}","userName":"u"}}"#
    )
}

/// A session of the shared role, with the temporary key that it has.
pub(super) fn session() -> String {
    r#"{"type":"AssumedRole","principalId":"AROASHARED:anna","arn":"arn:aws:sts::111122223333:assumed-role/team/anna","accountId":"111122223333","accessKeyId":"ASIASHARED","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROASHARED","arn":"arn:aws:iam::111122223333:role/team","accountId":"111122223333","userName":"team"}}}"#.to_owned()
}

/// A call so many seconds after the beginning. `rest` are more members, with a comma behind each.
pub(super) fn call(second: i64, who: &str, rest: &str) -> String {
    record(second, who, ("s3", "ListBuckets", "AwsApiCall"), rest)
}

/// A sign-in that failed.
pub(super) fn failure(second: i64, who: &str) -> String {
    let rest = r#""errorMessage":"Failed authentication","responseElements":{"ConsoleLogin":"Failure"},"#;
    record(second, who, ("signin", "ConsoleLogin", "AwsConsoleSignIn"), rest)
}

fn record(second: i64, who: &str, (service, operation, kind): (&str, &str, &str), rest: &str) -> String {
    let time = Timestamp((1_714_550_400 + second) * 1_000_000);
    format!(
        r#"{{"eventVersion":"1.10","userIdentity":{who},"eventTime":"{time}","eventSource":"{service}.amazonaws.com","eventName":"{operation}","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.7",{rest}"eventID":"{second}","eventType":"{kind}","recipientAccountId":"111122223333"}}"#
    )
}

/// A list of actions for a declaration.
fn list(actions: &[&str]) -> String {
    format!("{actions:?}")
}

const TYPES: &str = r#"["human", "service-account", "workload", "ai-agent", "unknown"]"#;

/// The declaration of a handmade rule that may lead to these actions, for every type of identity.
pub(super) fn may(actions: &[&str]) -> String {
    let declared = DECLARATION.replace("[\"notify\"]", &list(actions));
    declared.replace("[\"human\"]", TYPES).replace("fields =", "partition-key = \"actor\"\nfields =")
}

/// A rule that is sure on every call, with changes to its finding.
pub(super) fn sure(declared: &str, changes: &str) -> Vec<u8> {
    let more = format!("{FINDING} (data (i32.const 268) \"\\5f\\04\") {changes}");
    component(module(Parts { evaluate: "i32.const 128", more: &more, ..HONEST }), declared)
}

/// A response rule that proposes these actions, whatever was found. `first` comes before its answer.
pub(super) fn proposing(id: &str, actions: &[&str], first: &str) -> Vec<u8> {
    let declared = format!(
        "id = \"{id}\"\nversion = \"0.1.0\"\nkind = \"response\"\ndescription = \"Written by hand.\"\n\
         identity-types = {TYPES}\nconfidence-floor = 1\nactions = {}\nsignal-classes = [\"privilege\"]\n\n\
         [limits]\nmemory = \"1MiB\"\nfuel = 1000000\noutput = \"16KiB\"\n",
        list(actions)
    );
    response(actions, first, &declared)
}

/// Decisions, and everything else that is printed.
#[derive(Default)]
pub(super) struct Decided {
    pub(super) decisions: Vec<DecisionLine>,
    pub(super) findings: usize,
    pub(super) notices: Vec<String>,
}

impl Observer for Decided {
    fn finding(&mut self, _: u64, _: &countersign_session::FindingLine) -> io::Result<()> {
        self.findings += 1;
        Ok(())
    }

    fn decision(&mut self, _: u64, line: &DecisionLine) -> io::Result<()> {
        self.decisions.push(line.clone());
        Ok(())
    }

    fn dead_letter(&mut self, _: u64, letter: &DeadLetter) -> io::Result<()> {
        self.notices.push(format!("{letter:?}"));
        Ok(())
    }

    fn notice(&mut self, _: u64, notice: &Notice) -> io::Result<()> {
        self.notices.push(serde_json::to_string(notice)?);
        Ok(())
    }
}

/// What rules lead to on records, each with the place of its source. `policy` comes after the permissive one.
pub(super) fn decided(rules: &[&[u8]], policy: &str, lines: &[(usize, String)]) -> Decided {
    decided_from(SOURCES, rules, policy, lines)
}

/// The same of other sources.
pub(super) fn decided_from(sources: &str, rules: &[&[u8]], policy: &str, lines: &[(usize, String)]) -> Decided {
    let rules = rules.iter().map(|bytes| RuleFile { name: "rule".to_owned(), bytes: bytes.to_vec() }).collect();
    let settings = Settings {
        trust: SourceFile::parse("trust", TRUST, Trust::parse).unwrap(),
        policy: SourceFile::parse("policy", format!("{POLICY}{policy}"), Policy::parse).unwrap(),
        directory: Some(SourceFile::parse("identities", IDENTITIES, Directory::parse).unwrap()),
        capabilities: SourceFile::parse("capabilities", capabilities(), Capabilities::parse).unwrap(),
        ..Settings::shipped().unwrap()
    };
    let (generation, faults) = Generation::load(engine(), rules, settings);
    assert!(faults.is_empty(), "{faults:?}");
    let sources = Sources::parse(sources).unwrap();
    let inputs = u32::try_from(sources.iter().count()).unwrap();
    let lines: Vec<(usize, &str)> = lines.iter().map(|(by, line)| (*by, line.as_str())).collect();
    // Rows come one by one: what is tried here isn't about batches.
    let options = SessionOptions { batch: 1, workers: 1, patience: patience(&sources), ..SessionOptions::default() };
    let replay = Replay { inputs, until: None };
    let (mut store, mut decided) = (MemoryStore::without_blobs(), Decided::default());
    run(records(&sources, &lines), &generation, &mut store, &options, replay, &mut decided).unwrap();
    decided
}

fn acts(line: &DecisionLine) -> bool {
    line.action.is_some_and(|action| action.class() > ActionClass::Observe)
}

/// Whether something is done to somebody without asking.
pub(super) fn is_automatic(decided: &Decided) -> bool {
    let automatic = |line: &&DecisionLine| matches!(line.decision, DecisionKind::Execute | DecisionKind::Downgrade);
    decided.decisions.iter().filter(automatic).any(acts)
}

/// The defence of the gate, for this reason among others.
pub(super) fn by_the_gate(decided: &Decided, reason: ReasonCode) -> Defence {
    let given = |line: &DecisionLine| line.reasons.iter().any(|one| one.code == reason);
    if is_automatic(decided) || !decided.decisions.iter().any(given) {
        return Defence::None(format!("{:?} {:?}", decided.decisions, decided.notices));
    }
    match decided.decisions.iter().any(acts) {
        true => Defence::AskedFirst(reason),
        false => Defence::ByTheGate(reason),
    }
}
