//! Sources: which inputs are theirs, and what their events are marked with.

use std::fs;
use std::path::PathBuf;

use countersign_formats::Record;
use countersign_inputs::{Inputs, PolledLog, PolledProvider, Reading, SourceKind, Sources, Transport};
use countersign_model::vocabulary::ActionClass;
use countersign_model::{Binding, Event, Patience};

const SOURCES: &str = r#"
version = 1

[[source]]
name = "trail"
format = "cloudtrail"
tenants = ["aws:1111*"]
path = ["**/trail/*"]

[[source]]
name = "product"
format = "ocsf"
tenants = ["aws:111122223333", "okta:*"]
highest-class = "challenge"
lateness = "1h"
silence = "10m"
"#;

fn call(id: &str, tenant: &str) -> String {
    format!(
        r#"{{"eventID":"{id}","eventTime":"2026-06-01T00:00:00Z","eventSource":"iam.amazonaws.com","eventName":"ListUsers",
        "userIdentity":{{"type":"IAMUser","principalId":"AIDA1","accountId":"{tenant}","accessKeyId":"AKIA1"}}}}"#
    )
    .replace('\n', "")
}

fn act(id: &str, tenant: &str) -> String {
    format!(
        r#"{{"class_uid":3002,"activity_id":1,"status_id":1,"time":1780272000000,"metadata":{{"uid":"{id}","version":"1.5.0"}},
        "user":{{"uid":"AIDA1","type":"User","account":{{"uid":"{tenant}","type":"AWS Account"}}}},"cloud":{{"provider":"AWS"}}}}"#
    )
    .replace('\n', "")
}

fn sources() -> Sources {
    Sources::parse(SOURCES).unwrap()
}

fn events(arguments: &[PathBuf]) -> Vec<Event> {
    let sources = sources();
    let inputs = Inputs::open(arguments, Reading::Sources(&sources)).unwrap();
    let events = inputs.records().unwrap().records().map(|record| match record {
        Record::Event { event, .. } => *event,
        Record::DeadLetter(letter) => panic!("{letter:?}"),
    });
    events.collect()
}

#[test]
fn an_event_is_marked_by_what_its_source_is_bound_to() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("trail")).unwrap();
    let (trail, product) = (folder.path().join("trail/1.json"), folder.path().join("product.ndjson"));
    fs::write(&trail, [call("own", "111122223333"), call("other", "444455556666")].join("\n")).unwrap();
    fs::write(&product, [act("known", "111122223333"), act("strange", "444455556666")].join("\n")).unwrap();

    let named: PathBuf = format!("product={}", product.display()).into();
    let mut events = events(&[trail, named]);
    events.sort_by(|a, b| a.id.cmp(&b.id));
    let marks: Vec<_> = events
        .iter()
        .map(|event| (&*event.id, event.source.as_str(), event.binding, event.actor.authenticated))
        .collect();
    let challenge = Binding { highest_class: ActionClass::Challenge, ..Binding::BOUND };
    assert_eq!(
        marks,
        [
            ("known", "product", challenge, true),
            ("other", "trail", Binding::NOT_BOUND, false),
            ("own", "trail", Binding::BOUND, true),
            ("strange", "product", Binding::NOT_BOUND, false),
        ]
    );
}

#[test]
fn inputs_of_no_source_and_unknown_names_are_reported_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.json");
    fs::write(&file, call("1", "111122223333")).unwrap();
    let named: PathBuf = format!("trial={}", folder.path().join("b.json").display()).into();
    let sources = sources();
    let errors = Inputs::open(&[file, named, "-".into()], Reading::Sources(&sources)).err().unwrap();
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let folder = folder.path().display();
    assert_eq!(
        errors,
        [
            format!(
                "`{folder}/a.json`: expected an input of a source, got one that no source's `path` matches: write \
                 `NAME={folder}/a.json`, with the name of its source"
            ),
            format!("`trial={folder}/b.json`: expected the name of a source before `=`, got `trial` (did you mean `trail`?)"),
            "`-`: expected an input of a source, got one that no source's `path` matches: write `NAME=-`, with the name of \
             its source"
                .to_owned(),
        ]
    );
}

#[test]
fn a_path_may_have_an_equals_sign() {
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path().join("day=1/trail");
    fs::create_dir_all(&trail).unwrap();
    fs::write(trail.join("a.json"), call("1", "111122223333")).unwrap();
    assert_eq!(events(&[folder.path().join("day=1")]).len(), 1);
}

#[test]
fn records_are_waited_for_as_long_as_the_source_says() {
    const MINUTE: i64 = 60 * 1_000_000;
    let sources = sources();
    let patience = |name: &str| sources.named(name).unwrap().patience();
    assert_eq!(patience("trail"), Patience { lateness: 15 * MINUTE, silence: 5 * MINUTE }, "CloudTrail's usual");
    assert_eq!(patience("product"), Patience { lateness: 60 * MINUTE, silence: 10 * MINUTE });
}

#[test]
fn every_fault_of_the_file_is_reported() {
    let text = r#"
version = 1
[[source]]
name = "A"
format = "cloudtrial"
tenants = ["aws", "aws:1[23]", "aws:1:2"]
highest-class = "remediate"
lateness = "2d"
time-zone = "Europe/Nowhere"
pth = "x"
[[source]]
name = "auto"
format = "auto"
tenants = []
[[source]]
name = "one"
format = "okta"
tenants = ["okta:*"]
path = ["[x"]
[[source]]
name = "one"
format = "okta"
"#;
    let faults = Sources::parse(text).err().unwrap();
    let places: Vec<String> = faults.iter().map(|fault| fault.place.clone()).collect();
    for place in [
        "source[0].name",
        "source[0].format",
        "source[0].tenants[0]",
        "source[0].tenants[1]",
        "source[0].tenants[2]",
        "source[0].highest-class",
        "source[0].lateness",
        "source[0].time-zone",
        "source[0].pth",
        "source[1].format",
        "source[1].tenants",
        "source[2].path[0]",
        "source[3].tenants",
    ] {
        assert!(places.iter().any(|known| known == place), "{place}: {faults:#?}");
    }
    let twice = Sources::parse(&SOURCES.replace("\"product\"", "\"trail\"")).err().unwrap();
    assert!(twice.iter().any(|fault| fault.expected == "each name once"), "{twice:#?}");
}

/// The faults of a source with these lines beside its name, as `key: expected`.
fn faults_of(lines: &str) -> Vec<String> {
    let text = format!("version = 1\n[[source]]\nname = \"one\"\ntenants = [\"okta:*\"]\n{lines}");
    let faults = Sources::parse(&text).err().unwrap_or_default();
    faults.iter().map(|fault| format!("{}: {}", fault.place.replace("source[0].", ""), fault.expected)).collect()
}

#[test]
fn how_records_come_is_said_by_kind() {
    let okta = "format = \"okta\"\nkind = \"okta\"\n";
    let log = format!("{okta}url = \"https://acme.okta.com/\"\ntoken-file = \"okta.token\"\n");
    let text =
        format!("version = 1\n[[source]]\nname = \"one\"\ntenants = [\"okta:*\"]\nexpect-every = \"10m\"\n{log}");
    let sources = Sources::parse(&text).unwrap();
    let source = sources.named("one").unwrap();
    let url = "https://acme.okta.com".to_owned();
    let provider = PolledProvider::Okta;
    let expected = PolledLog { provider, url, token_file: Some("okta.token".into()), since: None };
    assert_eq!(source.transport(), Some(&Transport::Polled(expected)));
    assert_eq!(source.transport().map(Transport::kind), Some(SourceKind::Okta));
    assert_eq!(source.expect_every(), Some(600 * 1_000_000));
    assert_eq!(sources_kinds(&sources), [Some(SourceKind::Okta)]);
    let port = log.replace("acme.okta.com/", "localhost:8443");
    assert!(faults_of(&port).is_empty());
    // A variable may have the token, and on this machine nobody is between.
    for url in ["http://127.0.0.1:80", "http://localhost", "https://127.0.0.1"] {
        let more = format!("{okta}url = \"{url}\"\nsince = \"2026-03-02T09:00:00Z\"");
        assert_eq!(faults_of(&more), Vec::<String>::new(), "{url}");
    }
    assert_eq!(faults_of(&format!("{log}since = \"today\"")).len(), 1);

    let ocsf = "format = \"ocsf\"\n";
    for kind in ["stdin", "http"] {
        assert!(faults_of(&format!("{ocsf}kind = \"{kind}\"\npath = [\"x\"]")).is_empty());
        let faults = faults_of(&format!("{ocsf}kind = \"{kind}\"\nurl = \"https://a.b\"\ntoken-file = \"t\""));
        assert_eq!(
            faults,
            [
                "url: `url` with kind `okta` or `directory` only",
                "token-file: `token-file` with kind `okta` or `directory` only"
            ]
        );
    }
    assert!(faults_of(&format!("{ocsf}kind = \"file\"\npath = [\"logs/**\"]")).is_empty());
    assert_eq!(faults_of(&format!("{ocsf}kind = \"file\"")), ["path: patterns of paths, which kind `file` reads"]);
    assert_eq!(faults_of(okta), ["url: the address of kind `okta`, such as `https://acme.okta.com`"]);
    assert_eq!(faults_of(&log.replace("format = \"okta\"", ocsf)), ["kind: the format `okta` with kind `okta`"]);
    for url in [
        "http://acme.okta.com",
        "http://127.0.0.1.okta.com",
        "http://128.0.0.1",
        "ftp://localhost",
        "https://",
        "https://acme.okta.com/api",
        "https://acme.okta.com?x",
        "https://me@acme.okta.com",
        "https://acme_x.okta.com",
        "https://.okta.com",
        "https://acme.okta.com:0",
        "https://acme.okta.com:99999",
        "https://acme.okta.com:",
    ] {
        let faults = faults_of(&log.replace("https://acme.okta.com/", url));
        assert_eq!(faults, ["url: `https://HOST`, without a path"], "{url}");
    }
    let directory = "format = \"directory\"\nkind = \"directory\"\nurl = \"http://127.0.0.1:8480\"\n";
    assert!(faults_of(directory).is_empty());
    let since = format!("{directory}since = \"2026-03-02T09:00:00Z\"");
    assert_eq!(faults_of(&since), ["since: `since` with kind `okta` only"]);
    let other = directory.replace("format = \"directory\"", "format = \"okta\"");
    assert_eq!(faults_of(&other), ["kind: the format `directory` with kind `directory`"]);
    assert_eq!(faults_of("format = \"okta\"\nkind = \"files\""), ["kind: a kind of source"]);
    assert_eq!(faults_of("format = \"okta\"\nexpect-every = \"31d\"").len(), 1);
}

fn sources_kinds(sources: &Sources) -> Vec<Option<SourceKind>> {
    sources.iter().map(|source| source.transport().map(Transport::kind)).collect()
}

#[test]
fn standard_input_is_of_one_source() {
    let source = |name: &str| {
        format!("[[source]]\nname = \"{name}\"\nformat = \"okta\"\ntenants = [\"okta:*\"]\nkind = \"stdin\"\n")
    };
    let text = format!("version = 1\n{}{}", source("a"), source("b"));
    let faults = Sources::parse(&text).err().unwrap();
    assert_eq!(faults.len(), 1);
    assert_eq!((&*faults[0].place, &*faults[0].expected), ("source[1]", "at most one source of kind `stdin`"));
}

#[test]
fn a_source_is_believed_about_the_text_of_envelopes_that_it_names() {
    let envelopes = |line: &str| Sources::parse(&SOURCES.replace("path =", &format!("{line}\npath =")));
    let marked = |sources: &Sources| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log.json");
        let message = serde_json::to_string(&call("1", "111122223333")).unwrap();
        fs::write(&path, format!(r#"{{"@timestamp":"t","message":{message}}}"#)).unwrap();
        let argument = PathBuf::from(format!("trail={}", path.display()));
        let inputs = Inputs::open(&[argument], Reading::Sources(sources)).unwrap();
        match inputs.records().unwrap().records().next() {
            Some(Record::Event { event, .. }) => (event.binding, event.actor.authenticated),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(marked(&sources()), (Binding::NOT_BOUND, false));
    assert_eq!(marked(&envelopes(r#"envelopes = ["filebeat"]"#).unwrap()), (Binding::BOUND, true));
    assert_eq!(marked(&envelopes(r#"envelopes = ["sqs"]"#).unwrap()), (Binding::NOT_BOUND, false));
    let faults =
        |line: &str| envelopes(line).map(drop).unwrap_err().iter().map(ToString::to_string).collect::<String>();
    assert!(faults(r#"envelopes = ["filebeet"]"#).contains("filebeat"));
    // Nothing of these has to be believed for more than the source is.
    assert!(faults(r#"envelopes = ["records"]"#).contains("envelope"));
    assert!(!faults("envelopes = []").is_empty());
}

#[test]
fn a_source_of_which_a_host_reads_nothing_says_what_to_write() {
    let unread = sources().unread();
    assert_eq!(unread.len(), sources().iter().filter(|source| source.transport().is_none()).count());
    for (source, why) in sources().iter().filter(|source| source.transport().is_none()).zip(&unread) {
        let named =
            format!("the source `{}` has no `kind`, so a host reads nothing of it: write `kind = ", source.name());
        assert!(why.starts_with(&named) && why.contains("`kind = \"http\"`"), "{why}");
    }
    let text = "version = 1\n[[source]]\nname = \"a\"\nformat = \"okta\"\ntenants = [\"okta:org\"]\n";
    let one = |more: &str| Sources::parse(&format!("{text}{more}")).unwrap().unread();
    assert!(one("").concat().contains("`kind = \"file\"` with `path`"));
    assert!(one("path = [\"logs/**\"]\n").concat().contains("`kind = \"file\"` for its `path`"));
    assert_eq!(one("kind = \"http\"\n"), Vec::<String>::new());
}
