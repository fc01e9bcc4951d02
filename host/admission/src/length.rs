//! How long an interface is as text, without printing it. Types without a name are printed wherever they are used, so a
//! text can be exponentially longer than the types that it is made of.

use std::collections::BTreeMap;

use wit_parser::{InterfaceId, Resolve, Type, TypeDefKind, TypeId};

/// How deep types without a name are followed. The validator refuses deeper ones.
const MAX_DEPTH: usize = 128;

/// The least number of characters that an interface takes. Saturates.
pub(crate) fn printed_length(resolve: &Resolve, interface: InterfaceId) -> u64 {
    let Some(interface) = resolve.interfaces.get(interface) else { return 0 };
    let mut lengths = Lengths { resolve, known: BTreeMap::new() };
    let mut total = 0_u64;
    for (name, id) in &interface.types {
        total = total.saturating_add(length(name)).saturating_add(lengths.contents(*id, MAX_DEPTH));
    }
    for (name, function) in &interface.functions {
        total = total.saturating_add(length(name));
        for parameter in &function.params {
            total = total
                .saturating_add(length(&parameter.name))
                .saturating_add(lengths.reference(&parameter.ty, MAX_DEPTH));
        }
        total = total.saturating_add(lengths.optional(function.result.as_ref(), MAX_DEPTH));
    }
    total
}

fn length(name: &str) -> u64 {
    name.len() as u64
}

struct Lengths<'r> {
    resolve: &'r Resolve,
    /// The lengths of types without a name.
    known: BTreeMap<usize, u64>,
}

impl Lengths<'_> {
    /// A type where it is used: its name, or all of it.
    fn reference(&mut self, ty: &Type, depth: usize) -> u64 {
        let Type::Id(id) = ty else { return 2 };
        match self.resolve.types.get(*id).map(|ty| ty.name.as_deref()) {
            None => 0,
            Some(Some(name)) => length(name),
            Some(None) => {
                if let Some(known) = self.known.get(&id.index()) {
                    return *known;
                }
                let Some(deeper) = depth.checked_sub(1) else { return u64::MAX };
                let length = self.contents(*id, deeper).saturating_add(1);
                self.known.insert(id.index(), length);
                length
            }
        }
    }

    fn optional(&mut self, ty: Option<&Type>, depth: usize) -> u64 {
        ty.map_or(0, |ty| self.reference(ty, depth))
    }

    /// What a type is made of.
    fn contents(&mut self, id: TypeId, depth: usize) -> u64 {
        let resolve = self.resolve;
        let Some(ty) = resolve.types.get(id) else { return 0 };
        let mut total = 0_u64;
        let mut add = |more: u64| total = total.saturating_add(more);
        match &ty.kind {
            TypeDefKind::Record(record) => {
                for field in &record.fields {
                    add(length(&field.name));
                    add(self.reference(&field.ty, depth));
                }
            }
            TypeDefKind::Variant(variant) => {
                for case in &variant.cases {
                    add(length(&case.name));
                    add(self.optional(case.ty.as_ref(), depth));
                }
            }
            TypeDefKind::Flags(flags) => flags.flags.iter().for_each(|flag| add(length(&flag.name))),
            TypeDefKind::Enum(cases) => cases.cases.iter().for_each(|case| add(length(&case.name))),
            TypeDefKind::Tuple(tuple) => {
                for ty in &tuple.types {
                    add(self.reference(ty, depth));
                }
            }
            TypeDefKind::Map(key, value) => {
                add(self.reference(key, depth));
                add(self.reference(value, depth));
            }
            TypeDefKind::Result(result) => {
                add(self.optional(result.ok.as_ref(), depth));
                add(self.optional(result.err.as_ref(), depth));
            }
            TypeDefKind::Option(ty)
            | TypeDefKind::List(ty)
            | TypeDefKind::FixedLengthList(ty, _)
            | TypeDefKind::Type(ty) => add(self.reference(ty, depth)),
            TypeDefKind::Future(ty) | TypeDefKind::Stream(ty) => add(self.optional(ty.as_ref(), depth)),
            TypeDefKind::Resource | TypeDefKind::Handle(_) | TypeDefKind::Unknown => add(1),
        }
        total
    }
}
