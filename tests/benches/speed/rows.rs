//! Rows that a rule wants, from generated telemetry: large estates at ordinary work, or with every attack and benign burst
//! added, one after another until there are enough.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use countersign_declaration::Declaration;
use countersign_formats::{Record, format_by_name};
use countersign_generate::{Generated, Preset, START, Size, Telemetry as System, scenario, write_ndjson};
use countersign_model::vocabulary::PartitionKey;
use countersign_stream::{Clock, Sequenced, matches, partition_key};

/// Maximum of estates that are generated to get every rule's rows.
const MAX_ESTATES: u64 = 48;

/// Records of one estate: enough for most people to have signed in.
const RECORDS: u64 = 60_000;

/// Time between the beginnings of two estates' telemetry, microseconds.
const ESTATE_MICROS: i64 = 3_600 * 1_000_000;

/// Ordinary records a minute.
const A_MINUTE: u32 = 6_000;

/// The telemetry that rows come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telemetry {
    /// Ordinary work alone, as on most days.
    Ordinary,
    /// Every attack and benign burst in every estate.
    Attacked,
}

impl Telemetry {
    fn estate(self, system: System, seed: u64) -> Result<Generated, Box<dyn Error>> {
        let start = START.plus_micros(ESTATE_MICROS.saturating_mul(i64::try_from(seed)?));
        let hour = Duration::from_secs(3_600);
        let scenario = match self {
            Telemetry::Attacked => Preset::Bulk.scenario(system, seed, Some(RECORDS)),
            Telemetry::Ordinary => {
                scenario(seed).telemetry(system).estate(Size::LARGE).ordinary(A_MINUTE, hour).events(RECORDS)
            }
        };
        Ok(scenario.start(start).build())
    }
}

/// The rows for measuring a rule.
pub(crate) struct Rows {
    pub(crate) rows: Vec<Sequenced>,
    /// Distinct keys among them.
    pub(crate) keys: usize,
}

/// Generates `wanted` rows for each rule, from the telemetry of one system.
///
/// # Errors
/// When the maximum of estates doesn't have enough.
pub(crate) fn generate(
    telemetry: Telemetry,
    system: System,
    declarations: &[&Declaration],
    wanted: usize,
) -> Result<Vec<Rows>, Box<dyn Error>> {
    let mut collected: Vec<Vec<Sequenced>> = declarations.iter().map(|_| Vec::new()).collect();
    let mut clock = Clock::default();
    let mut position = 0;
    let format = format_by_name(system.id())?;
    for seed in 0..MAX_ESTATES {
        if collected.iter().all(|rows| rows.len() >= wanted) {
            break;
        }
        let mut bytes = Vec::new();
        write_ndjson(telemetry.estate(system, seed)?.records, &mut bytes)?;
        for record in format.read(Box::new(Cursor::new(bytes)), 0) {
            let Record::Event { mut event, .. } = record else { continue };
            let (_, placement) = clock.place(&event.source, event.time, event.time);
            event.ingest_time = placement.clock;
            let row = Sequenced::new(position, Arc::from(event), placement);
            position += 1;
            for (declaration, rows) in declarations.iter().zip(&mut collected) {
                if rows.len() < wanted && matches(declaration, &row.event) {
                    rows.push(row.clone());
                }
            }
        }
    }
    declarations
        .iter()
        .zip(collected)
        .map(|(declaration, rows)| {
            if rows.len() < wanted {
                return Err(
                    format!("`{}` wants {} rows of {position}, expected {wanted}", declaration.id, rows.len()).into()
                );
            }
            let key = declaration.partition_key;
            let keys: BTreeSet<Option<String>> = rows.iter().map(|row| partition_key(key, &row.event)).collect();
            let keys = if key == PartitionKey::None { 0 } else { keys.len() };
            Ok(Rows { rows, keys })
        })
        .collect()
}
