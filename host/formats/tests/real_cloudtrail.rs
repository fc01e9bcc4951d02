//! Real telemetry: every record becomes an event, and accounts, identity types and usages agree with rules written
//! anew here from the definitions, over plain JSON values, without a line of the normaliser's.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, which clippy takes for other code")]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use countersign_formats::{CloudTrail, Format, Record};
use serde_json::Value;

fn data() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/cloudtrail-invictus.ndjson");
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: {} is absent", path.display());
    None
}

/// What a record comes down to here.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Summary {
    account: Option<String>,
    identity_type: &'static str,
    usage: &'static str,
}

/// Percent-encodes as the text form of accounts asks.
fn text_form(tenant: &str, subject: &str) -> String {
    let part = |text: &str| {
        text.chars()
            .map(|c| match c {
                '%' => "%25".into(),
                ':' => "%3A".into(),
                c => c.to_string(),
            })
            .collect::<String>()
    };
    format!("aws:{}:{}", part(tenant), part(subject))
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The definitions, read record by record.
fn by_the_definitions(record: &Value) -> Summary {
    let kind = text(record, "/userIdentity/type");
    let principal = text(record, "/userIdentity/principalId");
    let own_account = text(record, "/userIdentity/accountId");
    let service = text(record, "/userIdentity/invokedBy");

    let account = if kind == Some("AWSService") {
        service.map(|service| text_form("aws", service))
    } else if let (Some(principal), Some(own_account)) = (principal, own_account) {
        Some(match kind {
            Some("IAMUser") => {
                assert!(principal.starts_with("AIDA"));
                text_form(own_account, principal)
            }
            Some("AssumedRole") => {
                assert!(principal.starts_with("AROA"));
                text_form(own_account, principal.split(':').next().unwrap())
            }
            Some("Root") => text_form(own_account, own_account),
            other => panic!("no rule for {other:?}"),
        })
    } else {
        None
    };

    let issuer = text(record, "/userIdentity/sessionContext/sessionIssuer/arn").unwrap_or_default();
    let instance = text(record, "/userIdentity/sessionContext/ec2RoleDelivery").is_some();
    let identity_type = match kind {
        Some("AWSService") => "workload",
        Some("Root") => "human",
        Some("AssumedRole") if issuer.contains("/aws-service-role/") || instance => "workload",
        Some("AssumedRole") if issuer.contains("/aws-reserved/sso.amazonaws.com/") => "human",
        _ => "unknown",
    };

    let console = text(record, "/eventType").is_some_and(|kind| kind.starts_with("AwsConsole"))
        || text(record, "/sessionCredentialFromConsole") == Some("true");
    let usage = match (service, console) {
        (Some(_), _) => "delegated",
        (None, true) => "interactive",
        (None, false) => "programmatic",
    };
    Summary { account, identity_type, usage }
}

fn by_the_normaliser(record: &Record) -> Summary {
    let Record::Event { event, .. } = record else { panic!("dead letter: {record:?}") };
    let account = event.actor.account.clone();
    let proved = event.chain.iter().find(|member| member.account == account).and_then(|member| member.proved_type);
    Summary {
        account: account.map(|account| account.to_string()),
        identity_type: proved.map_or("unknown", |proved| proved.id()),
        usage: event.actor.usage.id(),
    }
}

#[test]
fn the_real_file_comes_out_as_the_definitions_say() {
    let Some(path) = data() else { return };
    let records: Vec<Record> = CloudTrail.read(Box::new(File::open(&path).unwrap()), 0).collect();
    let bytes = std::fs::read(&path).unwrap();
    let raw: Vec<Value> = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(records.len(), 2_900);
    assert_eq!(raw.len(), 2_900);

    let mut counts: BTreeMap<Summary, [usize; 2]> = BTreeMap::new();
    for (place, (record, raw)) in records.iter().zip(&raw).enumerate() {
        let (expected, got) = (by_the_definitions(raw), by_the_normaliser(record));
        assert_eq!(got, expected, "record {place}: {raw}");
        counts.entry(expected).or_default()[0] += 1;
        counts.entry(got).or_default()[1] += 1;
    }
    println!("events by account, identity type and usage (by the definitions, by the normaliser):");
    for (summary, [expected, got]) in &counts {
        let account = summary.account.as_deref().unwrap_or("unresolved");
        println!("{expected:>6} {got:>6}  {account:<46} {:<9} {}", summary.identity_type, summary.usage);
        assert_eq!(expected, got);
    }

    let without_principal = raw.iter().filter(|raw| text(raw, "/userIdentity/principalId").is_none()).count();
    assert_eq!(without_principal, 76);
    println!("records without a knowable account:");
    let mut unresolved = 0;
    for record in &records {
        let Record::Event { event, .. } = record else { continue };
        if event.actor.account.is_none() {
            unresolved += 1;
            let service = event.fields.text(countersign_model::vocabulary::FieldId::ActorInvokedBy).unwrap_or("-");
            let operation = event.fields.text(countersign_model::vocabulary::FieldId::ApiOperation).unwrap_or("-");
            println!("  {} {} {operation} by {service}", event.time, event.id);
            assert!(!event.actor.authenticated);
        }
    }
    assert_eq!(unresolved, 42);
    let services = counts
        .iter()
        .filter(|(summary, _)| summary.account.as_deref().is_some_and(|account| account.starts_with("aws:aws:")));
    assert_eq!(services.map(|(_, [count, _])| count).sum::<usize>(), 34);
}

#[test]
fn raw_addresses_lead_back_to_the_records() {
    let Some(path) = data() else { return };
    let bytes = std::fs::read(&path).unwrap();
    for record in CloudTrail.read(Box::new(File::open(&path).unwrap()), 7) {
        let Record::Event { event, .. } = record else { panic!("dead letter: {record:?}") };
        let raw = &bytes[event.raw.offset as usize..][..event.raw.length as usize];
        assert_eq!(event.raw.input, 7);
        assert_eq!(event.raw.digest, countersign_model::Digest::of(raw));
        let raw: Value = serde_json::from_slice(raw).unwrap();
        assert_eq!(raw["eventID"], *event.id);
    }
}
