//! Mutations of a WebAssembly binary that keep its framing: sections are dropped, doubled, swapped and changed within,
//! modules and components inside them too, and all lengths are written anew.

use std::collections::BTreeMap;

use countersign_admission::sections::{DATA_SECTION, DECLARATION_SECTION};
use countersign_model::Digest;
use serde_json::Value;

/// The header of a module and that of a component.
const HEADER: usize = 8;

/// Sections by their ids (WebAssembly Core Specification, section 5.5.2).
const CUSTOM: u8 = 0;
const CODE: u8 = 10;
const MEMORY_CONTENTS: [u8; 2] = [11, 12];

/// A function's body of three bytes: no locals, `unreachable`, `end`.
const TRAPS: &[u8] = &[3, 0, 0, 0x0b];

/// How much longer a section may become by one mutation, bytes.
const MAX_GROWTH: usize = 64;

/// A binary taken apart.
struct Binary {
    header: Vec<u8>,
    sections: Vec<(u8, Vec<u8>)>,
}

/// Numbers by SplitMix64: only ever a choice among mutations.
pub struct Chance(u64);

impl Chance {
    /// The same seed gives the same numbers.
    #[must_use]
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which isn't 0.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or_default()
    }
}

/// A changed binary; none if the bytes aren't one. `change` changes some contents, to at most so many bytes.
pub fn mutate(bytes: &[u8], seed: u64, mut change: impl FnMut(&mut Vec<u8>, usize)) -> Option<Vec<u8>> {
    let mut chance = Chance::new(seed);
    let mut binary = Binary::read(bytes)?;
    binary.mutate(&mut chance, &mut change);
    // Two in three times the declaration is canonical again and names its data: else hardly any would be read.
    if chance.below(3) > 0 {
        binary.mend();
    }
    Some(binary.write())
}

/// The binary without its functions' bodies, its memory's contents and its custom sections: what seeds are made of, which
/// are to be small. None if the bytes aren't a binary. It is as valid as it was, for a body that traps has any type.
#[must_use]
pub fn hollow(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut binary = Binary::read(bytes)?;
    let is_module = binary.header.get(4) == Some(&1);
    binary.sections.retain(|(id, _)| *id != CUSTOM && !(is_module && MEMORY_CONTENTS.contains(id)));
    for (id, contents) in &mut binary.sections {
        if let Some(inner) = hollow(contents).filter(|_| !is_module) {
            *contents = inner;
        } else if is_module && *id == CODE {
            let (functions, _) = read_length(contents)?;
            contents.clear();
            write_length(functions, contents);
            contents.extend(TRAPS.repeat(functions));
        }
    }
    Some(binary.write())
}

impl Binary {
    fn read(bytes: &[u8]) -> Option<Binary> {
        let header = bytes.get(..HEADER).filter(|header| header.starts_with(b"\0asm"))?.to_vec();
        let mut rest = bytes.get(HEADER..)?;
        let mut sections = Vec::new();
        while let Some((id, after)) = rest.split_first() {
            let (length, after) = read_length(after)?;
            sections.push((*id, after.get(..length)?.to_vec()));
            rest = after.get(length..)?;
        }
        Some(Binary { header, sections })
    }

    fn write(&self) -> Vec<u8> {
        let mut bytes = self.header.clone();
        for (id, contents) in &self.sections {
            bytes.push(*id);
            write_length(contents.len(), &mut bytes);
            bytes.extend_from_slice(contents);
        }
        bytes
    }

    fn mutate(&mut self, chance: &mut Chance, change: &mut impl FnMut(&mut Vec<u8>, usize)) {
        if self.sections.is_empty() {
            return;
        }
        let place = chance.below(self.sections.len());
        match chance.below(12) {
            0 => drop(self.sections.remove(place)),
            1 => self.sections.insert(place, self.sections[place].clone()),
            2 => {
                let other = chance.below(self.sections.len());
                self.sections.swap(place, other);
            }
            3 => self.sections[place].0 = u8::try_from(chance.below(14)).unwrap_or_default(),
            _ => {
                let contents = &mut self.sections[place].1;
                match Binary::read(contents) {
                    Some(mut inner) if chance.below(8) > 0 => {
                        inner.mutate(chance, change);
                        *contents = inner.write();
                    }
                    _ => {
                        let name = named(contents, DECLARATION_SECTION).or_else(|| named(contents, DATA_SECTION));
                        let mut body = contents.split_off(name.unwrap_or_default());
                        let max = body.len() + MAX_GROWTH;
                        change(&mut body, max);
                        contents.extend(body);
                    }
                }
            }
        }
    }

    /// Makes the declaration canonical JSON if it is JSON, with the digest of the data that are there.
    fn mend(&mut self) {
        let data = self.sections.iter().find_map(|(id, contents)| {
            let body = (*id == CUSTOM).then(|| named(contents, DATA_SECTION)).flatten()?;
            Some(Digest::of(&contents[body..]))
        });
        for (_, contents) in self.sections.iter_mut().filter(|(id, _)| *id == CUSTOM) {
            let Some(body) = named(contents, DECLARATION_SECTION) else { continue };
            // A sorted map writes its members in the canonical order where their names are ASCII.
            let Ok(mut tree) = serde_json::from_slice::<BTreeMap<String, Value>>(&contents[body..]) else { continue };
            match data {
                Some(digest) => tree.insert("data".to_owned(), Value::from(digest.to_string())),
                None => tree.remove("data"),
            };
            contents.truncate(body);
            contents.extend(serde_json::to_vec(&tree).unwrap_or_default());
        }
    }
}

/// Where the contents of a custom section of this name begin.
fn named(contents: &[u8], name: &str) -> Option<usize> {
    let (length, after) = read_length(contents)?;
    (after.get(..length)? == name.as_bytes()).then_some(contents.len() - after.len() + length)
}

/// LEB128, at most five bytes.
fn read_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut length = 0;
    for (place, byte) in bytes.iter().take(5).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((length, &bytes[place + 1..]));
        }
    }
    None
}

fn write_length(mut length: usize, out: &mut Vec<u8>) {
    loop {
        let low = u8::try_from(length & 0x7f).unwrap_or_default();
        length >>= 7;
        if length == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_is_put_together_as_it_was() {
        let bytes = b"\0asm\x0d\0\x01\0\x00\x03\x02no\x01\x08\0asm\x01\0\0\0";
        assert_eq!(Binary::read(bytes).unwrap().write(), bytes);
        assert!(Binary::read(&bytes[..bytes.len() - 1]).is_none());
        let mut long = Vec::new();
        write_length(300, &mut long);
        assert_eq!((long.as_slice(), read_length(&long)), (&[0xac, 2][..], Some((300, &[][..]))));
    }
}
