//! Whether enough of the records could be used.

use clap::Args;

use crate::exit::Exit;
use crate::stderr;
use crate::text;

/// What became of the records of a command.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Those that became events.
    pub(crate) events: u64,
    /// Those delivered before.
    pub(crate) duplicates: u64,
    /// Those that couldn't be used.
    pub(crate) dead_letters: u64,
}

/// How many records may be unusable.
#[derive(Debug, Args)]
pub(crate) struct MaxDead {
    /// Exit with 1 if more than this share of all records can't be used, such as 5% or 0.05 [default: if all can't]
    #[arg(long = "max-dead", value_name = "SHARE", value_parser = parse_share)]
    share: Option<Share>,
}

/// A share of 1, and how it was written.
#[derive(Clone, Debug)]
struct Share {
    value: f64,
    text: String,
}

impl MaxDead {
    /// The exit code for these records; reports an error where it isn't 0.
    pub(crate) fn verdict(&self, tally: &Tally) -> Exit {
        let Tally { events, duplicates, dead_letters } = *tally;
        let all = events + duplicates + dead_letters;
        if events == 0 && dead_letters > 0 {
            stderr::error(format_args!("none of {} could be used", text::count(all, "record")));
            return Exit::Refused;
        }
        match &self.share {
            Some(Share { value, text }) if dead_letters as f64 > value * all as f64 => {
                let (dead, all) = (text::number(dead_letters), text::count(all, "record"));
                stderr::error(format_args!("{dead} of {all} couldn't be used: more than `--max-dead {text}`"));
                Exit::Refused
            }
            _ => Exit::Done,
        }
    }
}

fn parse_share(text: &str) -> Result<Share, String> {
    let (number, whole) = text.strip_suffix('%').map_or((text, 1.0), |percent| (percent, 100.0));
    let digits = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value = number.parse::<f64>().ok().filter(|_| digits).map(|number| number / whole);
    match value {
        Some(value) if (0.0..=1.0).contains(&value) => Ok(Share { value, text: text.to_owned() }),
        _ => Err(format!("expected a share such as `5%` or `0.05`, at most `100%` or `1`, got `{text}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(max: Option<&str>, events: u64, dead_letters: u64) -> Exit {
        let share = max.map(|text| parse_share(text).unwrap());
        MaxDead { share }.verdict(&Tally { events, duplicates: 0, dead_letters })
    }

    #[test]
    fn more_than_the_share_fails_and_so_does_all() {
        for (max, events, dead, expected) in [
            (None, 0, 0, Exit::Done),
            (None, 0, 1, Exit::Refused),
            (None, 1, 1_000_000, Exit::Done),
            (Some("5%"), 95, 5, Exit::Done),
            (Some("5%"), 94, 6, Exit::Refused),
            (Some("0.05"), 94, 6, Exit::Refused),
            (Some("0"), 100, 0, Exit::Done),
            (Some("0%"), 1_000_000, 1, Exit::Refused),
            (Some("100%"), 0, 5, Exit::Refused),
            (Some("1"), 1, 5, Exit::Done),
        ] {
            assert_eq!(exit(max, events, dead), expected, "{max:?}, {events} events, {dead} dead letters");
        }
    }

    #[test]
    fn only_shares_are_read() {
        for wrong in ["", "%", "5", "101%", "1.1", "-1%", "NaN", "inf", "1e-3", "5 %", "five"] {
            assert!(parse_share(wrong).unwrap_err().contains("such as `5%`"), "{wrong}");
        }
    }
}
