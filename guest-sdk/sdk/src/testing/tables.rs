//! The context tables of a rule under test.

use std::collections::BTreeMap;

use countersign_vocabulary::{ContextTable as Known, Keying};

use super::columns::column_of;
use super::row::{Row, Value};
use crate::bindings::detect::{self, Availability, Column, ContextTable, TableAvailability};
use crate::rule::TableSpec;

/// The values of one row of a table.
type Cells = BTreeMap<&'static str, Value>;

/// The tables by batch and by key as a test sets them; those by row are in the rows.
pub(super) struct Tables {
    specs: &'static [TableSpec],
    /// By table in declared order.
    batch: Vec<Vec<Cells>>,
    /// By table in declared order, and key.
    keys: Vec<BTreeMap<String, Cells>>,
}

impl Tables {
    pub(super) fn new(specs: &'static [TableSpec]) -> Tables {
        Tables { specs, batch: vec![Vec::new(); specs.len()], keys: vec![BTreeMap::new(); specs.len()] }
    }

    pub(super) fn add(&mut self, table: &str, values: &[(&'static str, Value)]) {
        let place = self.place(table, Keying::Batch, values.iter().map(|(column, _)| *column));
        if let Some(rows) = self.batch.get_mut(place) {
            rows.push(values.iter().cloned().collect());
        }
    }

    pub(super) fn add_for_key(&mut self, table: &str, key: &str, values: &[(&'static str, Value)]) {
        let place = self.place(table, Keying::Key, values.iter().map(|(column, _)| *column));
        if let Some(keys) = self.keys.get_mut(place) {
            keys.insert(key.to_owned(), values.iter().cloned().collect());
        }
    }

    /// The tables of a call.
    pub(super) fn for_call(&self, rows: &[&Row], keys: &[&str]) -> Vec<ContextTable> {
        for row in rows {
            for (table, values) in &row.context {
                self.place(table, Keying::Row, values.keys().copied());
            }
        }
        let tables = self.specs.iter().zip(&self.batch).zip(&self.keys);
        tables
            .map(|((spec, batch), by_key)| match spec.keying {
                Keying::Row => {
                    let cells: Vec<_> = rows.iter().map(|row| row.context.get(spec.name)).collect();
                    let times = rows.iter().map(|row| row.at.micros());
                    table(spec, detect::Keying::ByRow, &cells, each(&cells, times))
                }
                Keying::Key => {
                    let cells: Vec<_> = keys.iter().map(|key| by_key.get(*key)).collect();
                    table(spec, detect::Keying::ByKey, &cells, each(&cells, std::iter::repeat(0)))
                }
                Keying::Batch => {
                    let cells: Vec<_> = batch.iter().map(Some).collect();
                    let one = if cells.is_empty() { Availability::Missing } else { Availability::Fresh(0) };
                    table(spec, detect::Keying::ByBatch, &cells, TableAvailability::Whole(one))
                }
            })
            .collect()
    }

    /// The place of a declared table in declared order.
    #[expect(clippy::panic, reason = "for tests")]
    fn place<'c>(&self, table: &str, keying: Keying, columns: impl Iterator<Item = &'c str>) -> usize {
        let found = self.specs.iter().position(|spec| spec.name == table && spec.keying == keying);
        let Some(place) = found else {
            panic!("the context table `{table}` by {keying} is not declared by this rule");
        };
        let declared = self.specs.get(place).map_or(&[][..], |spec| spec.columns);
        for column in columns {
            assert!(declared.contains(&column), "`{column}` is not a declared column of the context table `{table}`");
        }
        place
    }
}

fn table(
    spec: &TableSpec,
    keying: detect::Keying,
    rows: &[Option<&Cells>],
    availability: TableAvailability,
) -> ContextTable {
    let columns = spec.columns.iter().filter_map(|name| column(spec, name, rows)).collect();
    ContextTable { keying, rows: u32::try_from(rows.len()).unwrap_or(u32::MAX), availability, columns }
}

fn column(spec: &TableSpec, name: &'static str, rows: &[Option<&Cells>]) -> Option<Column> {
    let known = Known::from_name(spec.name)?;
    let column = known.columns.get(known.column(name)?)?;
    let cells: Vec<Option<&Value>> = rows.iter().map(|row| row.and_then(|cells| cells.get(name))).collect();
    Some(column_of(name, column.ty, &cells))
}

fn each(cells: &[Option<&Cells>], times: impl Iterator<Item = i64>) -> TableAvailability {
    let one = |(cells, time): (&Option<&Cells>, i64)| match cells {
        Some(_) => Availability::Fresh(time),
        None => Availability::Missing,
    };
    TableAvailability::Each(cells.iter().zip(times).map(one).collect())
}
