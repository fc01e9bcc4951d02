//! The cost of loaded rules that no event reaches: a replay with rules that have findings, against the same rules among a
//! thousand.

use std::error::Error;
use std::io::Cursor;
use std::time::Duration;

use countersign_admission::{admit, sections};
use countersign_declaration::{Ceilings, Declaration, Refusal, parse_toml};
use countersign_engine::{Engine, EngineConfig};
use countersign_generate::{Preset, Telemetry, write_ndjson};
use countersign_generation::RuleFile;
use countersign_model::vocabulary::{EventClass, RuleKind};
use countersign_session::Report;
use countersign_stream::Tally;

use crate::Effort;
use crate::figures::{median, nanos_each, timed};
use crate::replay::{generation, replayed};

/// Detections with findings, and all detections of the larger case; response rules are loaded in both.
const RELEVANT: usize = 10;
const LOADED: usize = 1_000;

/// Measures and prints.
pub(crate) fn measure(effort: Effort) -> Result<(), Box<dyn Error>> {
    let engine = Engine::new(&EngineConfig::default())?;
    let (ten, thousand) = (generation(&engine, relevant()?)?, {
        let mut rules = relevant()?;
        rules.extend((RELEVANT..LOADED).map(idle).collect::<Result<Vec<_>, _>>()?);
        let (time, generation) = timed(|| generation(&engine, rules));
        println!("{LOADED} rules were admitted and compiled in {:.1} s\n", time.as_secs_f64());
        generation?
    });
    let mut bytes = Vec::new();
    write_ndjson(Preset::Bulk.scenario(Telemetry::CloudTrail, 1, Some(effort.replayed)).build().records, &mut bytes)?;
    let records = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
    println!(
        "A replay of {records} generated records with one worker: {} rules with findings, and the same among {}, whose\n\
         others want events of all classes by tests that none passes; medians of {} rounds\n",
        ten.detections.len(),
        thousand.detections.len(),
        effort.replays
    );
    let (mut alone, mut among) = (Vec::new(), Vec::new());
    let mut tallies = [Tally::default(); 2];
    // The first warms up.
    for round in 0..=effort.replays {
        let mut times = [0.0; 2];
        let mut findings = [0; 2];
        for (((generation, time), found), tally) in
            [&ten, &thousand].into_iter().zip(&mut times).zip(&mut findings).zip(&mut tallies)
        {
            let (took, report): (Duration, Report) = replayed(Cursor::new(bytes.clone()), generation, 1)?;
            (*time, *found, *tally) = (nanos_each(took, records), report.summary.findings, report.tally);
        }
        if findings.first() != findings.last() {
            return Err(format!("{findings:?} findings: rules that want nothing changed them").into());
        }
        if round > 0 {
            alone.extend(times.first());
            among.extend(times.last());
        }
    }
    println!("{:<24}{:>12}{:>22}{:>16}{:>14}", "", "ns a record", "candidates an event", "filters asked", "deliveries");
    for (name, times, tally) in [("alone", &alone, tallies.first()), ("among a thousand more", &among, tallies.last())]
    {
        let Some(tally) = tally else { continue };
        #[expect(clippy::cast_precision_loss, reason = "counts of millions")]
        let candidates = tally.candidates as f64 / tally.events.max(1) as f64;
        let nanos = median(times.iter().copied());
        println!("{name:<24}{nanos:>12.0}{candidates:>22.2}{:>16}{:>14}", tally.asked, tally.deliveries);
    }
    println!("times, round by round: {:.3}\n", median(among.iter().zip(&alone).map(|(among, alone)| among / alone)));
    Ok(())
}

/// The shipped rules, and copies of detections under other names until there are ten.
fn relevant() -> Result<Vec<RuleFile>, Box<dyn Error>> {
    let mut rules = Vec::new();
    let mut detections = Vec::new();
    for (id, bytes) in countersign_shipped::RULES {
        let admitted = admit(bytes, &Ceilings::default()).map_err(listed)?;
        if admitted.declaration().kind == RuleKind::Detection {
            detections.push((
                admitted.component().to_vec(),
                admitted.declaration().clone(),
                admitted.data().map(<[u8]>::to_vec),
            ));
        }
        rules.push(RuleFile { name: (*id).to_owned(), bytes: bytes.to_vec() });
    }
    let copies = RELEVANT.saturating_sub(detections.len());
    for (number, (component, mut declaration, data)) in detections.into_iter().cycle().take(copies).enumerate() {
        declaration.id = format!("{}/copy-{number}", declaration.id.publisher()).parse()?;
        let bytes = sections::attach(&component, &declaration, data.as_deref()).map_err(listed)?;
        rules.push(RuleFile { name: declaration.id.to_string(), bytes });
    }
    Ok(rules)
}

/// A shipped detection's code with another id, and a filter that no record passes.
fn idle(number: usize) -> Result<RuleFile, Box<dyn Error>> {
    let id = "countersign/console-login-without-mfa";
    let (_, bytes) =
        countersign_shipped::RULES.iter().find(|(other, _)| *other == id).ok_or("the rule isn't shipped")?;
    let admitted = admit(bytes, &Ceilings::default()).map_err(listed)?;
    let mut declaration = admitted.declaration().clone();
    declaration.id = format!("example/idle-{number}").parse()?;
    declaration.event_classes = EventClass::ALL.to_vec();
    declaration.filter = filter(number)?.filter;
    let bytes = sections::attach(admitted.component(), &declaration, admitted.data()).map_err(listed)?;
    Ok(RuleFile { name: declaration.id.to_string(), bytes })
}

/// A declaration with one of several kinds of filters, each close to some record's values.
fn filter(number: usize) -> Result<Declaration, Box<dyn Error>> {
    let test = match number % 6 {
        0 => format!("{{ field = \"api.operation\", eq = \"GetNothing{number}\" }}"),
        1 => format!("{{ field = \"api.operation\", prefix = \"GetNothing{number}\" }}"),
        2 => format!("{{ field = \"actor.user.name\", eq = \"Nobody-{number}\", ignore-case = true }}"),
        3 => format!("{{ field = \"src_endpoint.ip\", cidr = \"240.{}.{}.0/24\" }}", number / 256, number % 256),
        4 => format!("{{ field = \"src_endpoint.port\", range = {{ at-least = {number}, below = {} }} }}", number + 9),
        _ => format!(
            "{{ and = [{{ field = \"status_id\", eq = 1 }}, \
             {{ field = \"http_request.user_agent\", contains = \"nothing/{number}\" }}] }}"
        ),
    };
    let text = format!(
        "id = \"example/idle\"\nversion = \"1.0.0\"\nkind = \"detection\"\ndescription = \"Wants nothing.\"\n\
         identity-types = [\"human\"]\nconfidence-floor = 50\nactions = [\"notify\"]\nsignal-classes = [\"token\"]\n\
         event-classes = [\"api-activity\"]\nwhere = {test}\n"
    );
    parse_toml(&text).map_err(listed)
}

fn listed(refusals: Vec<Refusal>) -> Box<dyn Error> {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n").into()
}
