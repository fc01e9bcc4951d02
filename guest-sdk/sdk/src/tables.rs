//! Context tables. [`rule!`](crate::rule!) makes a method for each declared table and column.

use core::marker::PhantomData;
use core::net::IpAddr;

use crate::bindings::detect::{self, Column, ContextTable, Keying, TableAvailability};
use crate::column;
use crate::event::NO_KEY;
use crate::time::Timestamp;

/// All declared tables, as seen from one row of the batch.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    tables: &'a [ContextTable],
    row: u32,
    key: u32,
}

impl<'a> Tables<'a> {
    pub(crate) fn new(tables: &'a [ContextTable], row: u32, key: u32) -> Self {
        Tables { tables, row, key }
    }

    /// The table at this index in declared order.
    #[must_use]
    pub fn table<T: From<Row<'a>>>(&self, index: usize) -> Table<'a, T> {
        Table { table: self.tables.get(index), row: self.row, key: self.key, rows: PhantomData }
    }
}

/// Whether a table, or its row for a row or key, is available, and how old it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// It isn't available, or not all of it: the values that are there may be used.
    Missing,
    /// Older than the declared `max-age`; as of this time.
    Stale(Timestamp),
    /// As of this time.
    Fresh(Timestamp),
}

/// One declared table; `T` has a method for each declared column.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a, T> {
    table: Option<&'a ContextTable>,
    row: u32,
    key: u32,
    rows: PhantomData<fn() -> T>,
}

impl<'a, T: From<Row<'a>>> Table<'a, T> {
    /// Whether it is available and how old it is: for this row or its key, if the table is by row or by key.
    #[must_use]
    pub fn availability(&self) -> Availability {
        match self.table.and_then(|table| self.availability_at_place(table)) {
            None | Some(detect::Availability::Missing) => Availability::Missing,
            Some(detect::Availability::Stale(at)) => Availability::Stale(Timestamp::from_micros(at)),
            Some(detect::Availability::Fresh(at)) => Availability::Fresh(Timestamp::from_micros(at)),
        }
    }

    fn availability_at_place(&self, table: &ContextTable) -> Option<detect::Availability> {
        match (&table.availability, self.place(table)) {
            (_, None) if table.keying != Keying::ByBatch => None,
            (TableAvailability::Whole(one), _) => Some(*one),
            (TableAvailability::Each(rows), place) => rows.get(place?).copied(),
        }
    }

    /// The index of the table's row for this row or its key.
    fn place(&self, table: &ContextTable) -> Option<usize> {
        let place = match table.keying {
            Keying::ByRow => self.row,
            Keying::ByKey if self.key != NO_KEY => self.key,
            Keying::ByKey | Keying::ByBatch => return None,
        };
        (place < table.rows).then_some(place as usize)
    }

    /// Whether it is available and not older than declared: see [`availability`](Self::availability).
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        matches!(self.availability(), Availability::Fresh(_))
    }

    /// Its row for this row, if the table is by row and available.
    #[must_use]
    pub fn for_row(&self) -> Option<T> {
        self.own(Keying::ByRow)
    }

    /// Its row for this row's key, if the table is by key and available, and the row has a key.
    #[must_use]
    pub fn for_key(&self) -> Option<T> {
        self.own(Keying::ByKey)
    }

    fn own(&self, keying: Keying) -> Option<T> {
        let table = self.table.filter(|table| table.keying == keying)?;
        self.place(table).map(|row| T::from(Row { columns: &table.columns, row }))
    }

    /// All its rows, if the table is by batch. Of other tables only one row is visible: see
    /// [`for_row`](Self::for_row) and [`for_key`](Self::for_key).
    pub fn rows(&self) -> impl Iterator<Item = T> + use<'a, T> {
        let table = self.table.filter(|table| table.keying == Keying::ByBatch);
        table
            .into_iter()
            .flat_map(|table| (0..table.rows as usize).map(|row| T::from(Row { columns: &table.columns, row })))
    }
}

/// One row of a table; columns are named by their index in declared order.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    columns: &'a [Column],
    row: usize,
}

/// Methods that read the column at an index in declared order; none if it has no value.
macro_rules! readers {
    ($($(#[$meta:meta])* $name:ident -> $ty:ty;)+) => {
        impl<'a> Row<'a> {
            $(
                $(#[$meta])*
                #[must_use]
                pub fn $name(&self, column: usize) -> Option<$ty> {
                    self.columns.get(column).and_then(|column| column::$name(column, self.row))
                }
            )+
        }
    };
}

readers! {
    /// Of type unsigned.
    unsigned -> u64;
    /// Of type signed.
    signed -> i64;
    /// Of type float.
    float -> f64;
    /// Of type boolean.
    boolean -> bool;
    /// Of type text.
    text -> &'a str;
    /// Of type text-list.
    texts -> crate::Texts<'a>;
    /// Of type address.
    address -> IpAddr;
    /// Of type json.
    json -> &'a str;
}

impl Row<'_> {
    /// Of type timestamp.
    #[must_use]
    pub fn timestamp(&self, column: usize) -> Option<Timestamp> {
        self.columns.get(column).and_then(|column| column::timestamp(column, self.row)).map(Timestamp::from_micros)
    }
}
