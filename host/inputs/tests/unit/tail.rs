//! Files followed while they are written, rotated, truncated, compressed and removed, by a host that may start again at any
//! time.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use countersign_formats::reader::Content;
use flate2::Compression;
use flate2::write::GzEncoder;
use glob::Pattern;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::recognise::MAX_OPENED;
use super::{KEPT, Problem, Tail};
use crate::Delivered;

/// A folder with a tail, and all that it delivered.
struct Watched {
    folder: tempfile::TempDir,
    patterns: Vec<Pattern>,
    tail: Tail,
    now: Instant,
    delivered: Vec<Delivered>,
    problems: Vec<Problem>,
    forgotten: Vec<String>,
}

impl Watched {
    fn new(patterns: &[&str]) -> Watched {
        let folder = tempfile::tempdir().unwrap();
        let patterns: Vec<Pattern> = patterns.iter().map(|pattern| Pattern::new(pattern).unwrap()).collect();
        let tail = Tail::open(folder.path(), &patterns, &BTreeMap::new()).unwrap();
        let (delivered, problems, forgotten) = (Vec::new(), Vec::new(), Vec::new());
        Watched { folder, patterns, tail, now: Instant::now(), delivered, problems, forgotten }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// Polls a quarter of a second later, until there is no more at once. Returns what came, as text.
    fn poll(&mut self) -> Vec<String> {
        self.poll_after(Duration::from_millis(250))
    }

    fn poll_after(&mut self, time: Duration) -> Vec<String> {
        self.now += time;
        let mut texts = Vec::new();
        for round in 0.. {
            assert!(round < 1_000, "there is always more");
            let polled = self.tail.poll_at(self.now);
            texts.extend(polled.delivered.iter().flat_map(pieces));
            self.delivered.extend(polled.delivered);
            self.problems.extend(polled.problems);
            self.forgotten.extend(polled.forgotten);
            if !polled.more {
                break;
            }
        }
        texts
    }

    /// Polls for so long.
    fn wait(&mut self, seconds: u64) -> Vec<String> {
        (0..seconds * 4).flat_map(|_| self.poll()).collect()
    }

    /// Starts again from the last bookmarks.
    fn restart(&mut self) {
        let bookmarks = self.delivered.iter().map(|one| (one.input.clone(), one.bookmark.clone())).collect();
        self.tail = Tail::open(self.folder.path(), &self.patterns, &bookmarks).unwrap();
    }

    fn inputs(&self) -> Vec<&str> {
        let mut inputs: Vec<&str> = self.delivered.iter().map(|one| &*one.input).collect();
        inputs.sort_unstable();
        inputs.dedup();
        inputs
    }

    fn said(&mut self) -> Vec<String> {
        let folder = self.folder.path().display().to_string();
        let said: Vec<String> =
            self.problems.drain(..).map(|problem| problem.to_string().replace(&folder, "")).collect();
        said
    }
}

/// The pieces of a batch as text.
fn pieces(delivered: &Delivered) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut splitter = delivered.batch.pieces();
    while let Some((piece, _)) = splitter.next_piece() {
        pieces.push(match piece.content {
            Content::Record(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Content::Dead { fault, excerpt, .. } => format!("dead: {}: {excerpt}", fault.reason.code()),
        });
    }
    assert_eq!(pieces.len(), delivered.batch.records as usize);
    pieces
}

fn line(id: usize) -> String {
    format!("{{\"id\":{id}}}")
}

fn lines(ids: std::ops::Range<usize>) -> String {
    ids.map(|id| format!("{}\n", line(id))).collect()
}

fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(line).collect()
}

fn compress(path: &Path) {
    let text = fs::read(path).unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&text).unwrap();
    let mut packed = path.as_os_str().to_owned();
    packed.push(".gz");
    fs::write(packed, encoder.finish().unwrap()).unwrap();
    fs::remove_file(path).unwrap();
}

#[test]
fn what_is_appended_is_delivered_once() {
    let mut watched = Watched::new(&["x.log"]);
    assert!(watched.poll().is_empty());
    watched.append("x.log", &lines(0..3));
    assert_eq!(watched.poll(), ids(0..3));
    assert!(watched.poll().is_empty());
    watched.append("x.log", &format!("{}{}", lines(3..4), "{\"id\":"));
    assert_eq!(watched.poll(), ids(3..4));
    assert_eq!(watched.tail.lag(), 6);
    watched.append("x.log", "4}\n");
    assert_eq!(watched.poll(), ids(4..5));
    assert_eq!(watched.tail.lag(), 0);
    watched.restart();
    watched.append("x.log", &lines(5..6));
    assert_eq!(watched.poll(), ids(5..6));
    assert_eq!(watched.inputs().len(), 1);
    assert_eq!(watched.said(), [""; 0]);
}

#[test]
fn what_is_never_finished_is_delivered_as_what_it_is() {
    let mut watched = Watched::new(&["x.log"]);
    watched.append("x.log", "{\"id\":0}\n{\"id\":1, \"x");
    assert_eq!(watched.poll(), ids(0..1));
    assert!(watched.wait(9).is_empty());
    watched.append("x.log", "\": 2");
    assert!(watched.wait(9).is_empty(), "it was appended to");
    assert_eq!(watched.wait(2), ["{\"id\":1, \"x\": 2"]);
    // What comes then is something else, and nothing is lost.
    watched.append("x.log", "}\n{\"id\":3}\n");
    assert_eq!(watched.poll(), ["}", "{\"id\":3}"]);
    watched.append("x.log", "[{\"id\":4},");
    assert_eq!(watched.poll(), ids(4..5));
    assert_eq!(watched.wait(11), ["dead: truncated: "]);
    watched.append("x.log", "{\"id\":5}]\n{\"id\":6}\n");
    assert_eq!(watched.poll(), ["{\"id\":5}", "]", "{\"id\":6}"]);
}

#[test]
fn a_renamed_file_is_read_to_its_end_and_the_new_one_from_its_beginning() {
    for pattern in ["x.log", "x.log*", "."] {
        for restarts in [false, true] {
            let mut watched = Watched::new(&[pattern]);
            watched.append("x.log", &lines(0..2));
            assert_eq!(watched.poll(), ids(0..2), "{pattern}");
            watched.append("x.log", &lines(2..4));
            fs::rename(watched.path("x.log"), watched.path("x.log.1")).unwrap();
            if restarts {
                watched.restart();
            }
            watched.append("x.log", &lines(4..6));
            let mut got = watched.poll();
            // The writer has the old one open for a while.
            watched.append("x.log.1", &lines(6..7));
            got.extend(watched.poll());
            got.sort();
            assert_eq!(got, ids(2..7), "{pattern}, {restarts}");
            watched.restart();
            assert!(watched.poll().is_empty());
            assert_eq!(watched.said(), [""; 0]);
        }
    }
}

#[test]
fn a_truncated_file_is_read_from_its_beginning() {
    for new in [lines(7..8), lines(70..74), lines(70..90)] {
        for restarts in [false, true] {
            let mut watched = Watched::new(&["x.log"]);
            watched.append("x.log", &lines(0..4));
            watched.poll();
            fs::write(watched.path("x.log"), "").unwrap();
            watched.append("x.log", &new);
            if restarts {
                watched.restart();
            }
            assert_eq!(watched.poll().concat(), new.replace('\n', ""));
            watched.append("x.log", &lines(90..92));
            assert_eq!(watched.poll(), ids(90..92));
            if !restarts {
                let expected = "`/x.log` was truncated or written anew: it was read up to byte 35, and what was written after \
                                that is lost, if anything was";
                assert_eq!(watched.said(), [expected]);
            }
        }
    }
}

#[test]
fn a_copy_of_a_truncated_file_is_gone_on_with() {
    for restarts in [false, true] {
        let mut watched = Watched::new(&["x.log*"]);
        watched.append("x.log", &lines(0..4));
        assert_eq!(watched.poll(), ids(0..4));
        watched.append("x.log", &lines(4..6));
        fs::copy(watched.path("x.log"), watched.path("x.log.1")).unwrap();
        fs::write(watched.path("x.log"), "").unwrap();
        if restarts {
            watched.restart();
        }
        let mut got = watched.poll();
        watched.append("x.log", &lines(6..8));
        got.extend(watched.wait(1));
        assert_eq!(got, ids(4..8));
        compress(&watched.path("x.log.1"));
        watched.restart();
        assert!(watched.wait(12).is_empty());
        assert_eq!(watched.said(), [""; 0]);
    }
}

#[test]
fn a_compressed_file_is_gone_on_with_and_one_not_seen_before_is_read_whole() {
    for restarts in [false, true] {
        for pattern in ["x.log*", "x.log"] {
            let mut watched = Watched::new(&[pattern]);
            watched.append("x.log", &lines(0..2));
            watched.poll();
            watched.append("x.log", &lines(2..4));
            if restarts {
                watched.restart();
            }
            fs::rename(watched.path("x.log"), watched.path("x.log.1")).unwrap();
            compress(&watched.path("x.log.1"));
            assert_eq!(watched.wait(14), ids(2..4), "{pattern}, {restarts}");
            watched.restart();
            assert!(watched.wait(14).is_empty());
            watched.append("y", &lines(10..14));
            compress(&watched.path("y"));
            fs::rename(watched.path("y.gz"), watched.path("x.log.9.gz")).unwrap();
            let got = watched.wait(3);
            assert_eq!(got, if pattern == "x.log" { Vec::new() } else { ids(10..14) });
            assert_eq!(watched.said(), [""; 0]);
        }
    }
}

#[test]
fn a_compressed_file_that_is_cut_off_is_waited_for_and_then_said() {
    let mut watched = Watched::new(&["*.gz"]);
    watched.append("y", &lines(0..1_000));
    compress(&watched.path("y"));
    let whole = fs::read(watched.path("y.gz")).unwrap();
    fs::write(watched.path("y.gz"), &whole[..whole.len() / 2]).unwrap();
    let mut got = watched.wait(3);
    assert!(got.len() > 10 && got.len() < 1_000, "{}", got.len());
    fs::write(watched.path("z.gz"), &whole[..whole.len() / 2]).unwrap();
    OpenOptions::new().append(true).open(watched.path("y.gz")).unwrap().write_all(&whole[whole.len() / 2..]).unwrap();
    got.extend(watched.wait(1));
    assert_eq!(got, ids(0..1_000));
    let got = watched.wait(20);
    assert!(got.last().unwrap().starts_with("dead: truncated"), "{:?}", got.last());
    assert!(got.len() > 10 && got.len() < 1_000, "{}", got.len());
    assert_eq!(watched.tail.lag(), 0);
}

#[test]
fn a_removed_file_that_is_open_is_read_to_its_end_and_then_forgotten() {
    let mut watched = Watched::new(&["x.log"]);
    watched.append("x.log", &lines(0..2));
    watched.poll();
    watched.append("x.log", &lines(2..4));
    fs::remove_file(watched.path("x.log")).unwrap();
    assert_eq!(watched.poll(), ids(2..4));
    watched.wait(11);
    assert!(watched.forgotten.is_empty());
    watched.now += KEPT + Duration::from_secs(1);
    watched.poll();
    assert_eq!(watched.forgotten, [watched.delivered[0].input.clone()]);
    assert_eq!(watched.said(), [""; 0]);
    // An inode that is used again is another file.
    watched.append("x.log", &lines(7..9));
    assert_eq!(watched.poll(), ids(7..9));
}

#[test]
fn what_is_no_file_is_not_read_and_what_cannot_be_is_said_once() {
    let mut watched = Watched::new(&["**/*", "pipe"]);
    let folder = watched.folder.path().to_owned();
    fs::create_dir_all(folder.join("a/b")).unwrap();
    std::os::unix::fs::symlink(folder.join("a"), folder.join("a/b/loop")).unwrap();
    std::os::unix::fs::symlink(folder.join("target"), folder.join("a/link")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, folder.join("pipe"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
        .unwrap();
    watched.append(".hidden", &lines(0..1));
    watched.append("a/b/x", &lines(1..2));
    watched.append("target", &lines(2..3));
    let mut got = watched.poll();
    got.sort();
    assert_eq!(got, ids(1..3), "a file with two names is read once");
    watched.poll();
    let mut said = watched.said();
    said.sort();
    assert_eq!(
        said,
        [
            "`/a/b/loop`: expected another folder, got a link to one that contains it",
            "`/pipe`: expected a file or a folder, got something else",
        ]
    );
    // What is gone and comes again is said again.
    fs::remove_file(folder.join("a/b/loop")).unwrap();
    watched.poll();
    std::os::unix::fs::symlink(folder.join("a"), folder.join("a/b/loop")).unwrap();
    watched.poll();
    assert_eq!(watched.said().len(), 1);
}

#[test]
fn a_file_stays_the_same_when_devices_are_numbered_anew() {
    let mut watched = Watched::new(&["x.log"]);
    watched.append("x.log", &lines(0..3));
    watched.poll();
    let one = watched.delivered.last_mut().unwrap();
    let mut words: Vec<&str> = one.bookmark.split(' ').collect();
    words[1] = "fffff";
    one.bookmark = words.join(" ");
    watched.restart();
    watched.append("x.log", &lines(3..4));
    assert_eq!(watched.poll(), ids(3..4));
    assert_eq!(watched.inputs().len(), 1);
}

#[test]
fn what_cannot_be_opened_is_said_once_and_tried_again() {
    let mut watched = Watched::new(&["*.log"]);
    std::os::unix::fs::symlink(watched.path("self.log"), watched.path("self.log")).unwrap();
    watched.append("closed.log", &lines(0..1));
    watched.append("x.log", &lines(1..2));
    let close = |watched: &Watched, mode| {
        fs::set_permissions(watched.path("closed.log"), fs::Permissions::from_mode(mode)).unwrap();
    };
    close(&watched, 0);
    // Root may read it anyway.
    let is_closed = fs::File::open(watched.path("closed.log")).is_err();
    assert_eq!(watched.poll(), if is_closed { ids(1..2) } else { ids(0..2) });
    assert!(watched.wait(30).is_empty());
    let said = watched.said();
    assert_eq!(said.len(), if is_closed { 2 } else { 1 }, "{said:?}");
    assert!(said.iter().all(|line| line.starts_with("can't read `/")), "{said:?}");
    fs::remove_file(watched.path("self.log")).unwrap();
    watched.append("self.log", &lines(2..3));
    close(&watched, 0o600);
    let mut got = watched.wait(11);
    got.sort();
    assert_eq!(got, if is_closed { [line(0), line(2)].to_vec() } else { ids(2..3) });
    assert_eq!(watched.said(), [""; 0]);
}

#[test]
fn looking_at_many_files_that_do_not_change_is_cheap() {
    let mut watched = Watched::new(&["many/**"]);
    fs::create_dir(watched.path("many")).unwrap();
    for id in 0..5_000 {
        watched.append(&format!("many/{id}"), &lines(id..id + 1));
    }
    assert_eq!(watched.poll().len(), 5_000);
    watched.now += Duration::from_secs(100);
    watched.poll();
    let begin = Instant::now();
    assert!(watched.wait(2).is_empty());
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    watched.append("many/7", &lines(7_000..7_001));
    assert_eq!(watched.wait(6), ids(7_000..7_001));
    watched.append("many/7", &lines(7_001..7_002));
    assert_eq!(watched.poll(), ids(7_001..7_002), "it is written to");
    watched.restart();
    assert!(watched.wait(2).is_empty(), "nothing is read again");
}

#[test]
fn files_with_the_same_beginning_are_read_each() {
    let mut watched = Watched::new(&["*.log*"]);
    let head = lines(0..200);
    watched.append("a.log", &format!("{head}{}", lines(1_000..1_001)));
    watched.append("b.log", &format!("{head}{}", lines(2_000..2_001)));
    watched.append("c.log", &lines(0..1));
    let got = watched.wait(3);
    assert_eq!(got.len(), 201 + 201 + 1);
    watched.append("c.log", &lines(500..501));
    watched.append("c.log.1", &format!("{}{}", lines(0..1), lines(501..502)));
    let mut got = watched.wait(4);
    got.sort();
    assert_eq!(got, [line(0), line(500), line(501)]);
    // A copy that is written to goes on by itself.
    fs::copy(watched.path("a.log"), watched.path("d.log")).unwrap();
    assert!(watched.wait(3).is_empty());
    watched.append("d.log", &lines(3_000..3_001));
    assert_eq!(watched.wait(3), ids(3_000..3_001));
}

#[test]
fn thousands_of_files_are_opened_by_and_by() {
    let mut watched = Watched::new(&["many"]);
    fs::create_dir(watched.path("many")).unwrap();
    for id in 0..1_500 {
        watched.append(&format!("many/{id}"), &lines(id..id + 1));
    }
    let first = watched.tail.poll_at(watched.now);
    assert!(first.more && first.delivered.len() <= MAX_OPENED);
    let mut got: Vec<String> = first.delivered.iter().flat_map(pieces).collect();
    got.extend(watched.poll());
    got.sort();
    let mut expected = ids(0..1_500);
    expected.sort();
    assert_eq!(got, expected);
    watched.append("many/7", &lines(7_000..7_001));
    assert_eq!(watched.wait(2), ids(7_000..7_001));
}

#[test]
fn a_large_file_is_read_in_parts_packed_or_not() {
    let text: String = (0..120_000).map(|id| format!("{{\"id\":{id},\"text\":\"{}\"}}\n", "x".repeat(100))).collect();
    for name in ["x.log", "x.log.gz"] {
        let mut watched = Watched::new(&["x.log.gz", "x.log"]);
        watched.append("x.log", &text);
        if name == "x.log.gz" {
            compress(&watched.path("x.log"));
            watched.poll();
            watched.now += Duration::from_secs(3);
        }
        let first = watched.tail.poll_at(watched.now);
        let bytes: usize = first.delivered.iter().map(|one| one.batch.bytes.len()).sum();
        assert!(first.more && bytes < 10 << 20, "{bytes}");
        let records = |delivered: &[Delivered]| delivered.iter().map(|one| one.batch.records).sum::<u32>();
        let count = records(&first.delivered);
        watched.delivered = first.delivered;
        watched.poll();
        assert!(count < 120_000);
        assert_eq!(records(&watched.delivered), 120_000);
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Append(usize),
    /// Part of a line, which the next append finishes.
    AppendPart,
    Rename,
    CopyAndTruncate,
    Compress,
    Restart,
    Poll,
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..40_usize).prop_map(Step::Append),
        2 => Just(Step::AppendPart),
        2 => Just(Step::Rename),
        2 => Just(Step::CopyAndTruncate),
        2 => Just(Step::Compress),
        2 => Just(Step::Restart),
        5 => Just(Step::Poll),
        1 => Just(Step::Wait),
    ]
}

/// Makes room for `x.log.1`.
fn shift(folder: &Path) {
    for number in (1..60).rev() {
        for packed in ["", ".gz"] {
            let from = folder.join(format!("x.log.{number}{packed}"));
            if from.exists() {
                fs::rename(from, folder.join(format!("x.log.{}{packed}", number + 1))).unwrap();
            }
        }
    }
}

fn follows(steps: &[Step], is_padded: bool) {
    let mut watched = Watched::new(&["x.log*"]);
    let mut next = 0;
    let mut part = String::new();
    let padding = if is_padded { "x".repeat(120) } else { String::new() };
    let line = |id: usize| format!("{{\"id\":{id},\"text\":\"{padding}\"}}");
    // Which lines were in the file of which generation.
    let mut generation = 0;
    let mut written: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for step in steps {
        let exists = watched.path("x.log").exists();
        match step {
            Step::Append(count) => {
                let mut text = std::mem::take(&mut part);
                for _ in 0..*count {
                    text += &format!("{}\n", line(next));
                    written.entry(generation).or_default().push(line(next));
                    next += 1;
                }
                watched.append("x.log", &text);
            }
            Step::AppendPart if part.is_empty() => {
                let whole = line(next);
                watched.append("x.log", &whole[..6]);
                part = format!("{}\n", &whole[6..]);
                written.entry(generation).or_default().push(whole);
                next += 1;
            }
            Step::Rename if exists => {
                watched.append("x.log", &std::mem::take(&mut part));
                shift(watched.folder.path());
                fs::rename(watched.path("x.log"), watched.path("x.log.1")).unwrap();
                generation += 1;
            }
            Step::CopyAndTruncate if exists => {
                watched.append("x.log", &std::mem::take(&mut part));
                shift(watched.folder.path());
                fs::copy(watched.path("x.log"), watched.path("x.log.1")).unwrap();
                fs::write(watched.path("x.log"), "").unwrap();
                generation += 1;
            }
            Step::Compress => {
                let plain = (1..40).map(|number| watched.path(&format!("x.log.{number}"))).find(|path| path.exists());
                if let Some(path) = plain {
                    compress(&path);
                }
            }
            Step::Restart => watched.restart(),
            Step::Poll => {
                watched.poll();
            }
            Step::Wait if part.is_empty() => {
                watched.wait(3);
            }
            _ => {}
        }
    }
    watched.append("x.log", &part);
    watched.wait(25);
    let got: Vec<String> = watched.delivered.iter().flat_map(pieces).collect();
    let mut sorted = got.clone();
    sorted.sort();
    let mut expected: Vec<String> = written.values().flatten().cloned().collect();
    expected.sort();
    assert_eq!(sorted, expected, "{:#?}", watched.problems);
    let places: BTreeMap<&String, usize> = got.iter().enumerate().map(|(place, line)| (line, place)).collect();
    for lines in written.values() {
        assert!(lines.is_sorted_by_key(|line| places[line]), "out of order");
    }
}

/// Writes, rotates, copies, truncates and compresses without waiting for anybody.
fn write_and_rotate(watched: &Watched, lines: usize) -> impl FnOnce() + Send + use<> {
    let folder = watched.folder.path().to_owned();
    move || {
        for id in 0..lines {
            let mut file = OpenOptions::new().append(true).create(true).open(folder.join("x.log")).unwrap();
            writeln!(file, "{{\"id\":{id},\"text\":\"{}\"}}", "x".repeat(id % 97)).unwrap();
            if id % 53 != 52 {
                continue;
            }
            shift(&folder);
            if id % 2 == 0 {
                fs::rename(folder.join("x.log"), folder.join("x.log.1")).unwrap();
            } else {
                fs::copy(folder.join("x.log"), folder.join("x.log.1")).unwrap();
                fs::write(folder.join("x.log"), "").unwrap();
            }
            if folder.join("x.log.3").exists() {
                compress(&folder.join("x.log.3"));
            }
        }
    }
}

#[test]
fn nothing_is_lost_while_files_are_rotated_meanwhile() {
    const LINES: usize = 2_000;
    for restarts in [false, true] {
        let mut watched = Watched::new(&["x.log*"]);
        let writer = std::thread::spawn(write_and_rotate(&watched, LINES));
        while !writer.is_finished() {
            // As fast as it can, in the writer's own time.
            let time = watched.now.elapsed();
            watched.poll_after(time);
            if restarts {
                watched.restart();
            }
        }
        writer.join().unwrap();
        watched.wait(20);
        let mut got: Vec<String> = watched.delivered.iter().flat_map(pieces).collect();
        got.sort();
        got.dedup();
        assert_eq!(got.len(), LINES);
        assert!(got.iter().all(|line| line.ends_with("\"}")), "a line was cut");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        // The same cases in every run.
        rng_seed: RngSeed::Fixed(77),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_line_is_delivered_once_whatever_is_done_with_its_file(
        steps in prop::collection::vec(step(), 1..40),
        is_padded in any::<bool>(),
    ) {
        follows(&steps, is_padded);
    }
}
