//! Output: results on stdout, messages on stderr, filtered by level.

use std::io::Write;

use clap::ValueEnum;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};
use kennel_core::{escaped_lines, kept_in_place, shown_message};
use serde::Serialize;
use terminal_size::{Width, terminal_size_of};
use unicode_width::UnicodeWidthStr;

use crate::failure::Failure;

/// For whom stdout is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text.
    #[default]
    Table,
    /// One JSON value on stdout.
    Json,
}

/// Level of messages on stderr. Each level includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `--quiet`: what failed, and where it stopped (`shout!`).
    Quiet,
    /// Steps and progress (`say!`, bars).
    #[default]
    Normal,
    /// `--verbose`: details (`detail!`).
    Verbose,
}

/// Writes a message to stderr. Ignores write errors: there is nowhere else to report them.
pub fn tell(text: std::fmt::Arguments) {
    // One write: lines of several processes on one terminal stay whole.
    let line = format!("{}\n", shown_message(&text.to_string()));
    std::io::stderr().write_all(line.as_bytes()).unwrap_or_default();
}

/// Writes text for people to stdout. A reader that has gone (`kennel models | head`) is not an
/// error.
pub fn print(text: &str) -> Result<(), Failure> {
    write_while_read(escaped_lines(text).as_bytes()).map(drop)
}

/// Writes bytes for programs to stdout, unchanged; otherwise as [`print`].
pub fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    write_while_read(bytes).map(drop)
}

/// Writes bytes as [`print_bytes`] does and returns whether the reader is still there.
pub fn write_while_read(bytes: &[u8]) -> Result<bool, Failure> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::Failed(format!("cannot write to stdout: {error}"))),
        Ok(()) => Ok(true),
    }
}

/// Writes a value as indented JSON to stdout.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| Failure::Failed(error.to_string()))?;
    print_bytes(format!("{text}\n").as_bytes())
}

/// Renders a table without lines. Columns at `numbers` are right-aligned.
pub fn columns<const N: usize>(
    header: [&str; N],
    rows: Vec<[String; N]>,
    numbers: &[usize],
) -> String {
    let rows = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    set(&header, rows, numbers, None)
}

/// Destination of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Results.
    Out,
    /// Messages.
    Err,
}

impl Stream {
    /// Returns the width of its terminal in columns. A file or a pipe has no limit.
    fn width(self) -> usize {
        let terminal = match self {
            Stream::Out => terminal_size_of(std::io::stdout()),
            Stream::Err => terminal_size_of(std::io::stderr()),
        };
        terminal.map_or(usize::MAX, |(Width(width), _)| width.into())
    }
}

/// Renders a table as [`columns`] does, but fits it to a terminal: drops columns in the order of
/// `least` (least informative first) until the rest fits. A file or a pipe gets every column.
pub fn columns_that_fit<const N: usize>(
    stream: Stream,
    header: [&str; N],
    rows: &[[String; N]],
    numbers: &[usize],
    least: &[usize],
) -> String {
    within(stream.width(), header, rows, numbers, least)
}

/// Wraps a sentence for stdout between words, where a terminal would break it anywhere. Indents the
/// lines after the first by `indent` spaces.
pub fn wrapped(sentence: &str, indent: usize) -> String {
    wrapped_within(Stream::Out.width(), sentence, indent)
}

fn wrapped_within(width: usize, sentence: &str, indent: usize) -> String {
    let indent = " ".repeat(indent);
    // Leaves an overlong word to the terminal, so that a path can be copied whole.
    textwrap::fill(
        sentence,
        textwrap::Options::new(width).subsequent_indent(&indent).break_words(false),
    )
}

/// Joins `parts` into a line for stderr. Drops those at `left_out_first`, in that order, until the
/// rest fits its terminal.
pub fn line_that_fits(parts: &[String], left_out_first: &[usize]) -> String {
    line_within(Stream::Err.width(), parts, left_out_first)
}

fn line_within(width: usize, parts: &[String], left_out_first: &[usize]) -> String {
    let without = |count: usize| -> String {
        let is_in = |(index, _): &(usize, &String)| !left_out_first[..count].contains(index);
        parts.iter().enumerate().filter(is_in).map(|(_, part)| part.as_str()).collect()
    };
    let mut shorter = (0..=left_out_first.len()).map(without);
    shorter.find(|line| line.width() <= width).unwrap_or_else(|| without(left_out_first.len()))
}

fn within<const N: usize>(
    width: usize,
    header: [&str; N],
    rows: &[[String; N]],
    numbers: &[usize],
    least: &[usize],
) -> String {
    let kept_without = |left_out: &[usize], at_most: Option<u16>| {
        let kept: Vec<usize> = (0..N).filter(|index| !left_out.contains(index)).collect();
        let header: Vec<&str> = kept.iter().map(|&index| header[index]).collect();
        let rows = rows
            .iter()
            .map(|row| kept.iter().map(|&index| row[index].as_str()).collect())
            .collect();
        let is_number = |at: &usize| numbers.contains(&kept[*at]);
        set(&header, rows, &(0..kept.len()).filter(is_number).collect::<Vec<_>>(), at_most)
    };
    let fits = |text: &String| text.lines().all(|line| line.width() <= width);
    let mut narrower = (0..=least.len()).map(|count| (count, kept_without(&least[..count], None)));
    // If the remaining columns are still too wide, the first one breaks into lines.
    let narrowest = || (least.len(), kept_without(least, u16::try_from(width).ok()));
    let (count, text) = narrower.find(|(_, text)| fits(text)).unwrap_or_else(narrowest);
    match count {
        0 => text,
        _ => {
            let names: Vec<&str> = least[..count].iter().map(|&index| header[index]).collect();
            let names = format!("(in a wider terminal also: {})", names.join(", "));
            format!("{text}{}\n", wrapped_within(width, &names, 1))
        }
    }
}

/// Renders a table. If `at_most` limits its width in columns, the first column breaks into lines.
fn set(header: &[&str], rows: Vec<Vec<&str>>, numbers: &[usize], at_most: Option<u16>) -> String {
    let mut table = Table::new();
    let in_place = rows.into_iter().map(|row| row.into_iter().map(kept_in_place));
    table.load_style(presets::NOTHING).set_header(header).add_rows(in_place);
    for &index in numbers {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    if let Some(width) = at_most {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        table.column_iter_mut().skip(1).for_each(|column| {
            column.set_constraint(ColumnConstraint::ContentWidth);
        });
    }
    table.trim_fmt() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_gets_the_columns_that_say_most() {
        let header = ["run", "test", "lr", "memory"];
        let rows =
            [["resnet50 freeze".to_string(), "124/125".into(), "1e-3".into(), "2.10 GB".into()]];
        let shown = |width| within(width, header, &rows, &[1, 2, 3], &[3, 2]);
        let all = columns(header, rows.to_vec(), &[1, 2, 3]);
        assert_eq!(shown(200), all);
        let widest = all.lines().map(UnicodeWidthStr::width).max().unwrap();
        let narrow = shown(widest - 1);
        assert!(narrow.contains("1e-3") && !narrow.contains("GB"), "{narrow}");
        assert!(narrow.ends_with("(in a wider terminal also: memory)\n"), "{narrow}");
        let parts =
            ["epoch 1".to_string(), "  lr 1e-3".into(), "  9 images/s".into(), "  best".into()];
        assert_eq!(line_within(99, &parts, &[2, 1]), "epoch 1  lr 1e-3  9 images/s  best");
        assert_eq!(line_within(22, &parts, &[2, 1]), "epoch 1  lr 1e-3  best");
        assert_eq!(line_within(5, &parts, &[2, 1]), "epoch 1  best");
        let sentence = "one two three /a/path/that/is/longer/than/the/terminal/is/wide";
        let lines = "one two\n  three\n  /a/path/that/is/longer/than/the/terminal/is/wide";
        assert_eq!(wrapped_within(9, sentence, 2), lines);
        assert_eq!(wrapped_within(usize::MAX, sentence, 2), sentence);
        // The most informative columns stay, however narrow the terminal is.
        assert!(shown(10).contains("124/125"), "{}", shown(10));
        assert!(shown(22).lines().take(3).all(|line| line.width() <= 22), "{}", shown(22));
    }
}
