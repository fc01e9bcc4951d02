//! Commands that texts name, completed so that they work as pasted: with the options by which this command found its host.

use clap::{Command, CommandFactory as _};

use crate::arguments::Arguments;

/// What begins a command in a text.
const OPENING: &str = "`countersign ";

/// A text whose commands, between backticks, have these options where they take them and name no host themselves.
pub(crate) fn complete(text: &str, options: &str) -> String {
    let mut parts = text.split(OPENING);
    let mut completed = parts.next().unwrap_or_default().to_owned();
    let all = Arguments::command();
    for part in parts {
        completed.push_str(OPENING);
        match part.split_once('`') {
            Some((words, rest)) => {
                completed.push_str(words);
                if takes_a_host(&all, words) {
                    completed.push_str(options);
                }
                completed.push('`');
                completed.push_str(rest);
            }
            None => completed.push_str(part),
        }
    }
    completed
}

/// Whether a command finds a host by options, of which it has none yet.
fn takes_a_host(all: &Command, words: &str) -> bool {
    let mut command = all;
    for word in words.split_whitespace() {
        match command.find_subcommand(word) {
            Some(subcommand) => command = subcommand,
            None => break,
        }
    }
    let names_one = words.split_whitespace().any(|word| ["--config", "--state"].contains(&word));
    !names_one && command.get_arguments().any(|argument| argument.get_id() == "config")
}

/// A word as a shell takes it.
pub(crate) fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
#[path = "../tests/unit/hint.rs"]
mod tests;
