//! The only source of chance: ChaCha8 with numbered streams and integer arithmetic, so that every machine draws alike.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::telemetry::Telemetry;

/// What a stream of chance is for. Each part draws from its own, so that laying an attack over ordinary work
/// leaves the ordinary work's bytes as they were.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Estate,
    /// Ordinary work as one system sees it.
    Ordinary(Telemetry),
    Disorder,
    /// The estate's Okta org.
    Org,
    /// Its Windows domain.
    Domain,
    /// A permission set's role in one account, which several people share.
    PermissionSet(u32),
    Intruder(u32),
    Overlay(u32),
}

impl Stream {
    fn number(self) -> u64 {
        match self {
            Stream::Estate => 1,
            Stream::Ordinary(Telemetry::CloudTrail) => 2,
            Stream::Ordinary(Telemetry::Okta) => 6,
            Stream::Ordinary(Telemetry::WindowsSecurity) => 7,
            Stream::Disorder => 3,
            Stream::Org => 4,
            Stream::Domain => 5,
            Stream::PermissionSet(number) => (3 << 32) | u64::from(number),
            Stream::Intruder(number) => (1 << 32) | u64::from(number),
            Stream::Overlay(number) => (2 << 32) | u64::from(number),
        }
    }
}

/// A seeded stream of chance.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    pub(crate) fn new(seed: u64, stream: Stream) -> Random {
        let mut key = [0u8; 32];
        // Written out rather than `seed_from_u64`, whose expansion another release of the crate may change.
        for (place, byte) in key.iter_mut().zip(seed.to_le_bytes().into_iter().chain(*b"countersign generate 001")) {
            *place = byte;
        }
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(stream.number());
        Random(generator)
    }

    /// Evenly from 0 until below `bound`; 0 where `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The high half of the product; its unevenness at these bounds is below one in 2^40.
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// Evenly from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low.saturating_add(self.below(high.saturating_sub(low).saturating_add(1)))
    }

    /// True in `thousandths` of a thousand.
    pub(crate) fn chance(&mut self, thousandths: u32) -> bool {
        self.below(1000) < u64::from(thousandths)
    }

    /// One of `choices`; none where there are none.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let index = self.below(choices.len() as u64);
        choices.get(usize::try_from(index).unwrap_or(usize::MAX))
    }

    /// One of some texts; empty where there are none.
    pub(crate) fn word(&mut self, choices: &[&'static str]) -> &'static str {
        self.pick(choices).copied().unwrap_or("")
    }

    /// `length` characters of an alphabet.
    pub(crate) fn letters(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).filter_map(|_| self.pick(alphabet).map(|byte| char::from(*byte))).collect()
    }

    /// A provider's id: a prefix and upper-case base-32 letters.
    pub(crate) fn id(&mut self, prefix: &str, length: usize) -> String {
        let mut id = prefix.to_owned();
        id.push_str(&self.letters(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length));
        id
    }

    /// A prefix and lower-case hexadecimal digits, up to 32.
    pub(crate) fn hex(&mut self, prefix: &str, length: usize) -> String {
        let digits = format!("{:032x}", self.wide());
        let mut id = prefix.to_owned();
        id.push_str(digits.get(..length.min(32)).unwrap_or(""));
        id
    }

    /// A version 4 UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let bits = (self.wide() & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            (bits >> 96) as u32,
            (bits >> 80) as u16,
            (bits >> 64) as u16,
            (bits >> 48) as u16,
            bits & 0xffff_ffff_ffff
        )
    }

    fn wide(&mut self) -> u128 {
        (u128::from(self.0.next_u64()) << 64) | u128::from(self.0.next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_and_repeat() {
        let draw = |seed, stream| Random::new(seed, stream).uuid();
        assert_eq!(draw(1, Stream::Ordinary(Telemetry::CloudTrail)), draw(1, Stream::Ordinary(Telemetry::CloudTrail)));
        assert_ne!(draw(1, Stream::Ordinary(Telemetry::CloudTrail)), draw(2, Stream::Ordinary(Telemetry::CloudTrail)));
        assert_ne!(draw(1, Stream::Ordinary(Telemetry::CloudTrail)), draw(1, Stream::Overlay(0)));
        assert_ne!(draw(1, Stream::Intruder(0)), draw(1, Stream::Overlay(0)));
    }

    #[test]
    fn draws_stay_in_their_bounds() {
        let mut random = Random::new(7, Stream::Estate);
        for _ in 0..1000 {
            assert!(random.below(3) < 3);
            assert!((5..=9).contains(&random.between(5, 9)));
        }
        assert_eq!(random.below(0), 0);
        assert_eq!(random.pick::<u8>(&[]), None);
        assert!(!random.chance(0));
        assert!(random.chance(1000));
        let uuid = random.uuid();
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
        assert_eq!(random.hex("i-", 17).len(), 19);
    }
}
