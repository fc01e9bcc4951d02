//! What every scenario keeps: the same bytes for the same seed, whole records, true labels, order unless asked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use countersign_generate::{
    Attack, Bad, Burst, Delivered, Delivery, Disorder, Expected, Preset, Size, Telemetry, scenario, write_ndjson,
    write_records_object,
};
use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

#[expect(clippy::unwrap_used, reason = "a helper of tests")]
fn digest(records: impl IntoIterator<Item = Delivered>) -> String {
    let mut bytes = Vec::new();
    let count = write_ndjson(records, &mut bytes).unwrap();
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{count} {digest}")
}

/// The digest and number of a preset's records, and the digest of its directory and labels.
#[expect(clippy::unwrap_used, reason = "a helper of tests")]
fn check(preset: Preset, telemetry: Telemetry, seed: u64, expected: &Expect) {
    let generated = preset.scenario(telemetry, seed, None).build();
    let beside = format!("{}{}", generated.identities_toml, serde_json::to_string(&generated.labels).unwrap());
    let beside: String = Sha256::digest(beside).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    expected.assert_eq(&format!("{} {beside}", digest(generated.records)));
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_every_machine() {
    check(
        Preset::Demo,
        Telemetry::CloudTrail,
        1,
        &expect!["1126 721150f3709298e78440bc1c49eba6abf63f5da682d81b56a91bb2c877c79992 c68a851fa3c9a426"],
    );
    check(
        Preset::AllAttacks,
        Telemetry::CloudTrail,
        1,
        &expect!["7797 1413ba31dc5e81b3a144abeab7fad19dca118698bda8ee3a3a148c526279bc11 81879bd3b9d901a0"],
    );
    check(
        Preset::QuietDay,
        Telemetry::CloudTrail,
        1,
        &expect!["10114 712499aeb6aebcaba6d544bec8e9e94abeec7324c2089a9a65c33935201a23d9 7c952ad730d7ba15"],
    );
    check(
        Preset::AllAttacks,
        Telemetry::Okta,
        1,
        &expect!["7460 0d8e047451f1434b34be9e69e34cf97aa2f0aab1f46d4cd887eea583ea70a645 35f17c3446932d99"],
    );
    check(
        Preset::AllAttacks,
        Telemetry::WindowsSecurity,
        1,
        &expect!["7393 78c182475f6c9410eb11de12b575ba9bef2c66989d5f078925c699248e015c3d f098ffcdc8b117fb"],
    );
}

#[test]
fn other_seeds_give_other_bytes() {
    let demo = |seed| digest(Preset::Demo.scenario(Telemetry::CloudTrail, seed, None).build().records);
    assert_ne!(demo(1), demo(2));
}

#[test]
fn what_is_laid_over_leaves_the_ordinary_work_as_it_was() {
    let quiet = scenario(5).ordinary(60, Duration::from_secs(600));
    let lines =
        |records: &mut dyn Iterator<Item = Delivered>| records.map(|record| record.line).collect::<BTreeSet<_>>();
    let without = lines(&mut quiet.clone().build().records);
    let with = lines(&mut quiet.attack(Attack::StolenAccessKey, Duration::from_secs(60)).build().records);
    assert!(with.len() > without.len());
    assert!(without.is_subset(&with));
}

#[test]
fn every_record_parses_has_the_fields_that_all_have_and_comes_in_order() {
    for preset in Preset::ALL {
        let generated = preset.scenario(Telemetry::CloudTrail, 11, Some(4_000)).build();
        let accounts: BTreeSet<String> = generated.estate.account_ids().map(str::to_owned).collect();
        let (mut last_event, mut last_ingest, mut ids, mut count) = (String::new(), None, BTreeSet::new(), 0);
        for delivered in generated.records {
            let record: Value = serde_json::from_str(&delivered.line).unwrap();
            for key in
                ["eventVersion", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "eventType"]
            {
                assert!(record[key].is_string(), "{key} in {record}");
            }
            let service_event = record["eventType"] == "AwsServiceEvent";
            assert_eq!(record["userIdentity"]["type"].is_string(), !service_event);
            assert!(accounts.contains(record["recipientAccountId"].as_str().unwrap()));
            assert_eq!(record["eventID"], delivered.event_id.as_str());
            let time = record["eventTime"].as_str().unwrap().to_owned();
            assert_eq!(time, delivered.event_time.to_string());
            assert!(time >= last_event, "{time} after {last_event}");
            assert!(Some(delivered.ingest_time) >= last_ingest);
            assert!(delivered.ingest_time > delivered.event_time);
            assert!(ids.insert(delivered.event_id), "the id {} is there twice", record["eventID"]);
            (last_event, last_ingest, count) = (time, Some(delivered.ingest_time), count + 1);
        }
        assert_eq!(count, 4_000, "{}", preset.id());
    }
}

#[test]
fn records_of_every_system_parse_and_come_in_order() {
    for (preset, telemetry) in
        Preset::ALL.iter().flat_map(|preset| Telemetry::ALL.iter().map(|telemetry| (*preset, *telemetry)))
    {
        let (mut last, mut ids, mut count) = (None, BTreeSet::new(), 0);
        for delivered in preset.scenario(telemetry, 11, Some(4_000)).build().records {
            let record: Value = serde_json::from_str(&delivered.line).unwrap();
            assert!(record.is_object());
            assert!(Some(delivered.event_time) >= last, "{record}");
            assert!(ids.insert(delivered.event_id), "an id is there twice: {record}");
            (last, count) = (Some(delivered.event_time), count + 1);
        }
        assert_eq!(count, 4_000, "{} {}", preset.id(), telemetry.id());
    }
}

#[test]
fn labels_name_events_that_exist_and_every_attack_expects_something() {
    for (telemetry, seed) in Telemetry::ALL.iter().flat_map(|telemetry| (0..20).map(|seed| (*telemetry, seed))) {
        let generated = Preset::AllAttacks.scenario(telemetry, seed, Some(2_000)).build();
        let ids: BTreeSet<String> = generated.records.map(|record| record.event_id).collect();
        let names: Vec<&str> = generated.labels.iter().map(|label| label.name).collect();
        let attacks = Attack::ALL.iter().filter(|attack| attack.telemetry() == telemetry).map(|attack| attack.id());
        let bursts = Burst::ALL.iter().filter(|burst| burst.telemetry() == telemetry).map(|burst| burst.id());
        let every: Vec<&str> = attacks.chain(bursts).collect();
        assert_eq!(names, every);
        let mut rules = BTreeSet::new();
        for label in &generated.labels {
            assert!(label.events.iter().all(|id| ids.contains(id)), "{}", label.name);
            assert!(!label.events.is_empty() && !label.account.subject.is_empty(), "{}", label.name);
            assert_eq!(label.attack, !label.expected.is_empty(), "{}", label.name);
            for Expected { rule, events, .. } in &label.expected {
                assert!(!events.is_empty() && events.iter().all(|id| label.events.contains(id)), "{rule}");
                rules.insert(*rule);
            }
        }
        let shipped: &[&str] = match telemetry {
            Telemetry::CloudTrail => &[
                "audit-trail-disabled",
                "burst-of-denied-calls",
                "console-login-without-mfa",
                "credential-created-for-another-principal",
                "instance-credentials-used-elsewhere",
                "privilege-attached-to-self",
                "role-trust-opened-to-foreign-account",
            ],
            Telemetry::Okta => &[
                "impossible-travel",
                "mfa-factor-reset-without-enrolment",
                "mfa-fatigue",
                "password-spray",
                "password-spray-succeeded",
                "session-used-from-two-networks",
            ],
            Telemetry::WindowsSecurity => &[
                "ad-fs-signing-material-exported",
                "as-rep-roasting",
                "dcsync",
                "kerberoasting",
                "password-spray",
                "password-spray-succeeded",
            ],
        };
        assert!(rules.iter().eq(shipped), "{rules:?}");
    }
}

#[test]
fn intruders_have_victims_of_their_own_and_a_chain_has_one() {
    let victims = |preset: Preset| -> BTreeSet<String> {
        let labels = preset.scenario(Telemetry::CloudTrail, 3, None).build().labels;
        labels
            .iter()
            .filter(|label| label.attack && label.name != "instance-credentials-elsewhere")
            .map(|label| label.account.to_string())
            .collect()
    };
    assert_eq!(victims(Preset::Demo).len(), 1);
    let attacks = Attack::ALL.iter().filter(|attack| attack.telemetry() == Telemetry::CloudTrail).count();
    assert_eq!(victims(Preset::AllAttacks).len(), attacks - 1);
}

/// What stays quiet at the attacks' own doors: no ordinary record does what the single-event rules look for.
#[test]
fn ordinary_work_does_nothing_that_an_attack_does() {
    let generated = scenario(8).estate(Size::MEDIUM).ordinary(120, Duration::from_secs(7_200)).build();
    let mut denied: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for delivered in generated.records {
        let record: Value = serde_json::from_str(&delivered.line).unwrap();
        let name = record["eventName"].as_str().unwrap();
        assert!(!matches!(
            name,
            "StopLogging" | "DeleteTrail" | "UpdateTrail" | "CreateLoginProfile" | "UpdateLoginProfile"
        ));
        if name == "ConsoleLogin" && record["userIdentity"]["type"] == "IAMUser" {
            assert_eq!(record["additionalEventData"]["MFAUsed"], "Yes");
        }
        if name == "CreateAccessKey" {
            assert!(record["requestParameters"].is_null());
        }
        let subject = record["userIdentity"]["principalId"].as_str().unwrap_or_default();
        if record["errorCode"].as_str().is_some_and(|code| code.contains("Denied") || code.contains("Unauthorized")) {
            denied
                .entry(format!("{subject} {}", &delivered.event_time.to_string()[..15]))
                .or_default()
                .insert(name.to_owned());
        }
    }
    // Within ten minutes of the clock, no account is denied many different operations.
    let max = denied.values().map(BTreeSet::len).max().unwrap();
    assert!((1..=3).contains(&max), "{max}");
}

#[test]
fn disorder_comes_in_the_shares_asked_for() {
    let disorder = Disorder { late: 20, out_of_order: 50, duplicate: 30, bad: 40 };
    let plain = scenario(4).estate(Size::MEDIUM).ordinary(600, Duration::from_secs(1_200));
    let whole: BTreeSet<String> = plain.clone().build().records.map(|record| record.line).collect();
    let records: Vec<Delivered> = plain.disorder(disorder).build().records.collect();
    let share =
        |test: &dyn Fn(&Delivered) -> bool| records.iter().filter(|record| test(record)).count() * 1000 / whole.len();
    assert!((50..=90).contains(&share(&|record| record.delivery == Delivery::Delayed)));
    assert!((20..=40).contains(&share(&|record| record.delivery == Delivery::Duplicate)));
    assert!((30..=50).contains(&share(&|record| matches!(record.delivery, Delivery::Bad(_)))));
    let sound: BTreeSet<String> = records
        .iter()
        .filter(|record| !matches!(record.delivery, Delivery::Bad(_)))
        .map(|record| record.line.clone())
        .collect();
    assert_eq!(sound, whole, "every record comes whole as well");
    let mut seen = BTreeSet::new();
    for record in &records {
        let parsed = serde_json::from_str::<Value>(&record.line);
        match record.delivery {
            Delivery::Bad(Bad::Truncated) => assert!(parsed.is_err()),
            Delivery::Bad(Bad::WithoutTime) => assert!(parsed.unwrap().get("eventTime").is_none()),
            Delivery::Bad(Bad::WithoutName) => assert!(parsed.unwrap().get("eventName").is_none()),
            Delivery::Bad(Bad::NotAnObject) => assert!(!parsed.unwrap().is_object()),
            Delivery::Duplicate => drop(parsed.unwrap()),
            Delivery::InOrder | Delivery::Delayed => assert!(seen.insert(&record.event_id)),
        }
    }
    assert!(records.windows(2).all(|pair| pair[0].ingest_time <= pair[1].ingest_time));
    assert!(records.windows(2).any(|pair| pair[0].event_time > pair[1].event_time));
}

#[test]
fn the_directory_is_toml_and_knows_the_break_glass_user() {
    let text = Preset::Demo.scenario(Telemetry::CloudTrail, 1, None).build().identities_toml;
    let table: toml::Table = text.parse().unwrap();
    let identities = table["identity"].as_array().unwrap();
    let mut accounts = BTreeSet::new();
    for identity in identities {
        let ty = identity["type"].as_str().unwrap();
        assert!(countersign_vocabulary::IdentityType::from_id(ty).is_some(), "{ty}");
        let tier = identity["tier"].as_str().unwrap();
        assert!(countersign_vocabulary::Tier::from_id(tier).is_some(), "{tier}");
        for account in identity["account"].as_array().unwrap() {
            let provider = account["provider"].as_str().unwrap();
            assert!(matches!(provider, "aws" | "okta" | "windows"), "{provider}");
            let [tenant, subject] = ["tenant", "subject"].map(|key| account[key].as_str().unwrap().to_owned());
            assert!(accounts.insert((tenant, subject)), "{account:?}");
        }
    }
    let emergency: Vec<_> = identities.iter().filter(|identity| identity.get("break-glass").is_some()).collect();
    assert_eq!(emergency.len(), 1);
    assert_eq!(emergency[0]["protected"].as_bool(), Some(true));
}

/// The reader of the real thing takes it, owners and links and all.
#[test]
fn the_directory_is_read_without_a_fault() {
    for preset in Preset::ALL {
        for seed in 0..5 {
            let text = preset.scenario(Telemetry::CloudTrail, seed, None).build().identities_toml;
            let directory = countersign_policy::Directory::parse(&text).unwrap();
            assert!(directory.identity("break-glass").unwrap().break_glass);
        }
    }
}

#[test]
fn the_records_object_holds_the_same_records() {
    let records = || Preset::Demo.scenario(Telemetry::CloudTrail, 1, Some(900)).build().records;
    let mut bytes = Vec::new();
    let count = write_records_object(records(), &mut bytes).unwrap();
    let object: Value = serde_json::from_slice(&bytes).unwrap();
    let list = object["Records"].as_array().unwrap();
    assert_eq!(list.len() as u64, count);
    for (written, record) in list.iter().zip(records()) {
        assert_eq!(written["eventID"], record.event_id.as_str());
    }
}

#[test]
fn preset_names_lead_back_to_presets() {
    for preset in Preset::ALL {
        assert_eq!(Preset::from_id(preset.id()), Some(*preset));
        assert!(!preset.description().is_empty());
    }
    assert_eq!(Preset::from_id("busy-day"), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Any size, rate, disorder and seed: no panic, the number asked for, order of delivery.
    #[test]
    fn any_scenario_can_be_read(
        seed: u64,
        sizes in prop::array::uniform6(0u32..400),
        per_minute in 0u32..100_000,
        shares in prop::array::uniform4(0u32..1200),
        at in 0u64..10_000,
        telemetry in prop::sample::select(Telemetry::ALL),
    ) {
        let [accounts, people, pipelines, jobs, instances, functions] = sizes;
        let [late, out_of_order, duplicate, bad] = shares;
        let mut built = scenario(seed)
            .telemetry(telemetry)
            .estate(Size { accounts, people, pipelines, jobs, instances, functions })
            .ordinary(per_minute, Duration::from_secs(60))
            .disorder(Disorder { late, out_of_order, duplicate, bad })
            .events(1_500);
        for (attack, number) in Attack::ALL.iter().zip(0..) {
            built = built.attack_by(number, *attack, Duration::from_secs(at));
        }
        for burst in Burst::ALL {
            built = built.burst(*burst, Duration::from_secs(at));
        }
        let mut last = None;
        let mut first_time = BTreeSet::new();
        for record in built.build().records {
            prop_assert!(Some(record.ingest_time) >= last);
            last = Some(record.ingest_time);
            first_time.insert(record.event_id);
        }
        prop_assert_eq!(first_time.len(), 1_500);
    }
}
