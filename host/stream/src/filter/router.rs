//! Routes the events of a chunk to the rules that want them.

use countersign_declaration::Declaration;

use super::index::{FilterIndex, Scratch, Tally};
use crate::Sequenced;

/// Routes the events of one chunk after the other to the rules that want them. A rule is identified by its place among
/// those that the router was made for. The cost of a chunk grows with its events and with the rules that they reach.
///
/// ```
/// use std::sync::Arc;
///
/// use countersign_declaration::parse_toml;
/// # use countersign_model::{Actor, Binding, Digest, Fields, RawAddress};
/// use countersign_model::vocabulary::{EventClass, FieldId, Usage};
/// use countersign_model::{Event, Timestamp, Value};
/// use countersign_stream::{Clock, Router, Sequenced};
///
/// # fn event(operation: &str) -> Event {
/// #     let mut fields = Fields::default();
/// #     fields.set(FieldId::ApiOperation, Value::Text(Arc::from(operation)));
/// #     Event {
/// #         source: "example".into(),
/// #         binding: Binding::BOUND,
/// #         tenant: Arc::from("111122223333"),
/// #         id: Arc::from("event-1"),
/// #         class: EventClass::ApiActivity,
/// #         time: Timestamp(0),
/// #         ingest_time: Timestamp(0),
/// #         actor: Actor {
/// #             account: None,
/// #             usage: Usage::Programmatic,
/// #             authenticated: true,
/// #             session: None,
/// #             token: None,
/// #             temporary: false,
/// #             person: None,
/// #             grant: None,
/// #         },
/// #         chain: Vec::new(),
/// #         target: None,
/// #         trust: None,
/// #         fields,
/// #         raw: RawAddress { input: 0, ordinal: 0, offset: 0, length: 0, digest: Digest::of(b"") },
/// #     }
/// # }
/// let rule = r#"
///     id = "example/users-listed"
///     version = "1.0.0"
///     kind = "detection"
///     description = "Finds calls that list users."
///     identity-types = ["human"]
///     confidence-floor = 50
///     actions = ["notify"]
///     signal-classes = ["token"]
///     event-classes = ["api-activity"]
///     fields = ["api.operation"]
///     where = { field = "api.operation", eq = "ListUsers" }
/// "#;
/// let declaration = parse_toml(rule).expect("a valid declaration");
///
/// let mut clock = Clock::default();
/// let rows: Vec<Sequenced> = ["ListUsers", "ListRoles", "ListUsers"]
///     .into_iter()
///     .zip(0..)
///     .map(|(operation, position)| {
///         let event = event(operation);
///         let (_, placement) = clock.place(&event.source, event.time, event.time);
///         Sequenced::new(position, Arc::new(event), placement)
///     })
///     .collect();
///
/// let mut router = Router::new([&declaration]);
/// router.route(&rows);
/// assert_eq!(router.reached(), [0]);
/// assert_eq!(router.rows(0), [0, 2]);
/// ```
#[derive(Debug)]
pub struct Router {
    index: FilterIndex,
    scratch: Scratch,
    /// For each rule, the places of its events in the chunk.
    rows: Vec<Vec<usize>>,
    /// The rules that have any, in order.
    reached: Vec<usize>,
}

impl Router {
    /// For rules in their order.
    #[must_use]
    pub fn new<'d>(declarations: impl IntoIterator<Item = &'d Declaration>) -> Router {
        let mut rules = 0;
        let index = FilterIndex::new(declarations.into_iter().inspect(|_| rules += 1));
        Router { index, scratch: Scratch::default(), rows: vec![Vec::new(); rules], reached: Vec::new() }
    }

    /// Routes the next chunk, which replaces the one before.
    pub fn route(&mut self, events: &[Sequenced]) {
        let Router { index, scratch, rows, reached } = self;
        for rule in reached.drain(..) {
            if let Some(rows) = rows.get_mut(rule) {
                rows.clear();
            }
        }
        for (place, row) in events.iter().enumerate() {
            index.for_each_wanting(&row.event, scratch, |rule| {
                if let Some(rows) = rows.get_mut(rule) {
                    if rows.is_empty() {
                        reached.push(rule);
                    }
                    rows.push(place);
                }
            });
        }
        reached.sort_unstable();
    }

    /// The rules that events of the chunk reach, in order.
    #[must_use]
    pub fn reached(&self) -> &[usize] {
        &self.reached
    }

    /// The places in the chunk of the events that reach a rule, in order.
    #[must_use]
    pub fn rows(&self, rule: usize) -> &[usize] {
        self.rows.get(rule).map_or(&[], Vec::as_slice)
    }

    /// The work so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.scratch.tally
    }
}
