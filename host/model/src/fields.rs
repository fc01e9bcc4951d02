//! The values of an event's fields.

use std::net::IpAddr;
use std::sync::Arc;

use countersign_vocabulary::{FIELDS, FieldId};

/// One value of a field: of the field's type, or `WrongType`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `unsigned`.
    Unsigned(u64),
    /// `signed`.
    Signed(i64),
    /// `float`; finite.
    Float(f64),
    /// `boolean`.
    Boolean(bool),
    /// `text`; values that repeat share one allocation.
    Text(Arc<str>),
    /// `text-list`.
    TextList(Vec<Arc<str>>),
    /// `timestamp`, microseconds since 1970-01-01T00:00:00Z.
    Timestamp(i64),
    /// `address`.
    Address(IpAddr),
    /// `json`: the body's text as the record had it, or an equal one.
    Json(Arc<str>),
    /// The record had a value here, but of another type.
    WrongType,
}

const ABSENT: u8 = u8::MAX;

/// An event's fields: a value or none for each of [`FIELDS`], found in constant time.
#[derive(Clone, Debug)]
pub struct Fields {
    places: [u8; FIELDS.len()],
    values: Vec<Value>,
}

const _: () = assert!(FIELDS.len() < ABSENT as usize, "places are bytes");

impl Default for Fields {
    fn default() -> Self {
        Fields { places: [ABSENT; FIELDS.len()], values: Vec::with_capacity(24) }
    }
}

impl Fields {
    /// The field's value, if the record had one.
    #[must_use]
    pub fn get(&self, field: FieldId) -> Option<&Value> {
        self.places.get(field.index()).and_then(|place| self.values.get(usize::from(*place)))
    }

    /// The field's value as text, if it has one and it is text.
    #[must_use]
    pub fn text(&self, field: FieldId) -> Option<&str> {
        match self.get(field) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Sets a field's value.
    pub fn set(&mut self, field: FieldId, value: Value) {
        let Some(place) = self.places.get_mut(field.index()) else { return };
        match self.values.get_mut(usize::from(*place)) {
            Some(old) => *old = value,
            None => {
                // Fewer values than fields, and fewer fields than a byte's range: see the assertion above.
                *place = u8::try_from(self.values.len()).unwrap_or(ABSENT);
                self.values.push(value);
            }
        }
    }

    /// The fields that have a value, by their ids, in the table's order.
    pub fn iter_by_id(&self) -> impl Iterator<Item = (FieldId, &Value)> {
        FieldId::all().filter_map(|field| Some((field, self.get(field)?)))
    }

    /// The fields that have a value, in the table's order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static countersign_vocabulary::Field, &Value)> {
        FIELDS
            .iter()
            .zip(&self.places)
            .filter_map(|(field, place)| Some((field, self.values.get(usize::from(*place))?)))
    }
}
