//! Writes labels of photos, row by row as they are found.

use std::borrow::Cow;

use clap::ValueEnum;
use kennel_core::kept_in_place;
use kennel_metrics::RankedClass;
use serde::Serialize;

use crate::destination::Destination;
use crate::failure::Failure;

/// For whom rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RowFormat {
    /// Text, with tabs between a photo and its classes.
    #[default]
    Table,
    /// For spreadsheets: path, label, the best classes with their probabilities, error. Cells that
    /// a spreadsheet would run begin with an apostrophe.
    Csv,
    /// One JSON array.
    Json,
    /// One JSON object a line.
    #[value(name = "jsonl")]
    JsonLines,
}

/// Result for a photo.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Row {
    /// The photo was labelled.
    Seen {
        /// Path as given by the user.
        path: String,
        /// The class with the highest probability; none if that is below `--min-confidence`, or if
        /// the photo is unknown.
        label: Option<String>,
        /// Probability of that class.
        probability: f64,
        /// The best classes, best first.
        top: Vec<RankedClass>,
        /// Whether it shows none of the classes. None if the model cannot tell.
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        unknown: Option<Unknown>,
        /// One logit per class, if asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        logits: Option<Vec<f32>>,
    },
    /// The photo could not be read, or not be labelled.
    Unreadable {
        /// Path as given by the user.
        path: String,
        /// The reason.
        error: String,
    },
}

/// Whether a photo is of none of the classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Unknown {
    /// Whether it is.
    #[serde(rename = "unknown")]
    pub is_unknown: bool,
    /// How far it lies from known photos, which are near 1.
    #[serde(rename = "unknown_score")]
    pub score: f64,
}

/// Writes rows in a format.
pub struct Rows {
    format: RowFormat,
    /// Whether the model can tell unknown photos.
    tells_unknown: bool,
    /// Number of classes in a row.
    top: usize,
    written: Written,
}

/// Rows of any kind that were written so far.
#[derive(Default)]
pub struct Written {
    to: Destination,
    count: usize,
}

impl Written {
    /// Writes rows in a format, as a line or as fields, and returns whether the reader is still
    /// there.
    ///
    /// # Errors
    ///
    /// If they cannot be written.
    pub fn write<R: Serialize>(
        &mut self,
        format: RowFormat,
        rows: &[R],
        line: impl Fn(&R) -> String,
        fields: impl Fn(&R) -> Vec<String>,
    ) -> Result<bool, Failure> {
        let mut text = String::new();
        for row in rows {
            text += &match format {
                RowFormat::Table => line(row),
                RowFormat::Csv => csv_line(&fields(row))?,
                RowFormat::Json => {
                    let begins = if self.count == 0 { "[\n" } else { ",\n" };
                    format!("{begins}{}", json_line(row)?.trim_end())
                }
                RowFormat::JsonLines => json_line(row)?,
            };
            self.count += 1;
        }
        self.to.write(text.as_bytes())
    }

    /// Ends the output before all rows are there: a file gets no name.
    ///
    /// # Errors
    ///
    /// If stdout cannot be written.
    pub fn stop(self, format: RowFormat) -> Result<(), Failure> {
        match self.to {
            Destination::Stdout => self.end(format),
            Destination::File(_) => Ok(()),
        }
    }

    /// Writes the end of the output. A file gets its name.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn end(mut self, format: RowFormat) -> Result<(), Failure> {
        let end: &[u8] = match (format, self.count) {
            (RowFormat::Json, 0) => b"[]\n",
            (RowFormat::Json, _) => b"\n]\n",
            _ => b"",
        };
        self.to.write(end)?;
        self.to.finish()
    }
}

impl Rows {
    /// Writes the header. Each photo will list `top` classes, and whether it is unknown if the model
    /// can tell.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn begin(
        to: Destination,
        format: RowFormat,
        top: usize,
        tells_unknown: bool,
    ) -> Result<Self, Failure> {
        let written = Written { to, count: 0 };
        let mut rows = Rows { format, tells_unknown, top: top.max(1), written };
        if format == RowFormat::Csv {
            let mut header = vec!["path".to_string(), "label".into()];
            for place in 1..=rows.top {
                header.extend([format!("label_{place}"), format!("probability_{place}")]);
            }
            header.push("error".into());
            if tells_unknown {
                header.extend(["unknown".into(), "unknown_score".into()]);
            }
            rows.written.to.write(csv_line(&header)?.as_bytes())?;
        }
        Ok(rows)
    }

    /// Writes rows and returns whether the reader is still there.
    ///
    /// # Errors
    ///
    /// If they cannot be written.
    pub fn write(&mut self, rows: &[Row]) -> Result<bool, Failure> {
        let mut written = std::mem::take(&mut self.written);
        let still_read = written.write(self.format, rows, table_line, |row| self.fields(row))?;
        self.written = written;
        Ok(still_read)
    }

    /// Writes the end of the output. A file gets its name.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn end(self) -> Result<(), Failure> {
        self.written.end(self.format)
    }

    /// Ends the output before all rows are there: a file gets no name.
    ///
    /// # Errors
    ///
    /// If stdout cannot be written.
    pub fn stop(self) -> Result<(), Failure> {
        self.written.stop(self.format)
    }

    fn fields(&self, row: &Row) -> Vec<String> {
        let (mut fields, error) = match row {
            Row::Seen { path, label, top, .. } => {
                let mut fields = vec![path.clone(), label.clone().unwrap_or_default()];
                fields
                    .extend(top.iter().flat_map(|c| [c.label.clone(), c.probability.to_string()]));
                (fields, String::new())
            }
            Row::Unreadable { path, error } => (vec![path.clone()], error.clone()),
        };
        fields.resize(2 + 2 * self.top, String::new());
        fields.push(error);
        if self.tells_unknown {
            fields.extend(match row {
                Row::Seen { unknown: Some(Unknown { is_unknown, score }), .. } => {
                    [is_unknown.to_string(), score.to_string()]
                }
                _ => [String::new(), String::new()],
            });
        }
        fields
    }
}

/// Returns a line of CSV.
///
/// # Errors
///
/// If the fields cannot be encoded.
pub fn csv_line(fields: &[String]) -> Result<String, Failure> {
    let failed = |error: String| Failure::Failed(format!("cannot write CSV: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(fields.iter().map(|field| not_run(field).into_owned()))
        .map_err(|error| failed(error.to_string()))?;
    let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}

/// Keeps a spreadsheet from running a cell: an apostrophe before what looks like a formula marks it
/// as text. Numbers stay.
///
/// Source: CSV Injection, OWASP.
fn not_run(field: &str) -> Cow<'_, str> {
    let is_number = field.parse::<f64>().is_ok_and(f64::is_finite);
    match field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && !is_number {
        true => format!("'{field}").into(),
        false => field.into(),
    }
}

/// Returns a line of JSON.
///
/// # Errors
///
/// If the row cannot be encoded.
pub fn json_line(row: &impl Serialize) -> Result<String, Failure> {
    let json = serde_json::to_string(row).map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(json + "\n")
}

fn table_line(row: &Row) -> String {
    match row {
        Row::Seen { path, label, top, unknown, .. } => {
            let named = |class: &RankedClass| {
                format!("{} {:.1} %", kept_in_place(&class.label), 100.0 * class.probability)
            };
            let mut top: Vec<String> = top.iter().map(named).collect();
            if unknown.is_some_and(|unknown| unknown.is_unknown) {
                top.insert(0, "none of these".into());
            } else if label.is_none() {
                top.insert(0, "unsure".into());
            }
            format!("{}\t{}\n", kept_in_place(path), top.join("\t"))
        }
        Row::Unreadable { path, error } => unreadable_line(path, error),
    }
}

/// The line of a photo that gives no row of its kind.
pub fn unreadable_line(path: &str, error: &str) -> String {
    format!("{}\terror: {}\n", kept_in_place(path), kept_in_place(&error.replace('\n', " ")))
}

/// The fields of such a photo: its path, the reason in the last of `columns`, and nothing between.
pub fn unreadable_fields(path: &str, error: &str, columns: usize) -> Vec<String> {
    let mut fields = vec![path.to_string()];
    fields.resize(columns - 1, String::new());
    fields.push(error.into());
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_csv_has_as_many_fields_as_its_header_whatever_becomes_of_the_photo() {
        let mut rows = Rows {
            format: RowFormat::Csv,
            tells_unknown: false,
            top: 3,
            written: Written::default(),
        };
        let class = |label: &str, probability| RankedClass { label: label.into(), probability };
        let seen = Row::Seen {
            path: "a, \"b\".jpg".into(),
            label: None,
            probability: 0.5,
            top: vec![class("x", 0.5), class("y", 0.3)],
            unknown: None,
            logits: None,
        };
        let unreadable = Row::Unreadable { path: "c".into(), error: "two\nlines".into() };
        assert_eq!(rows.fields(&seen).len(), 9);
        assert_eq!(rows.fields(&unreadable).len(), 9);
        assert_eq!(
            csv_line(&rows.fields(&seen)).unwrap(),
            "\"a, \"\"b\"\".jpg\",,x,0.5,y,0.3,,,\n"
        );
        assert_eq!(table_line(&seen), "a, \"b\".jpg\tunsure\tx 50.0 %\ty 30.0 %\n");
        assert!(!table_line(&unreadable).trim_end().contains('\n'));

        rows.tells_unknown = true;
        assert_eq!(rows.fields(&unreadable).len(), 11);
        let Row::Seen { path, label, probability, top, logits, .. } = seen else { unreachable!() };
        let unknown = Some(Unknown { is_unknown: true, score: 2.5 });
        let seen = Row::Seen { path, label, probability, top, unknown, logits };
        assert_eq!(rows.fields(&seen)[9..], ["true", "2.5"]);
        assert_eq!(table_line(&seen), "a, \"b\".jpg\tnone of these\tx 50.0 %\ty 30.0 %\n");
        let json = serde_json::to_string(&seen).unwrap();
        assert!(
            json.contains(r#""label":null"#)
                && json.contains(r#""unknown":true,"unknown_score":2.5"#)
        );
    }
    #[test]
    fn a_spreadsheet_runs_no_cell_and_numbers_stay_numbers() {
        for formula in
            ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-inf", "-"]
        {
            assert_eq!(not_run(formula), format!("'{formula}"));
        }
        for plain in ["", "a=b.jpg", "-0.5", "+1", "-1e-7", "'=1", "пудель"] {
            assert_eq!(not_run(plain), plain);
        }
        let line = csv_line(&["=HYPERLINK(\"http://x\")".into(), "-0.5".into()]).unwrap();
        assert_eq!(line, "\"'=HYPERLINK(\"\"http://x\"\")\",-0.5\n");
    }

    #[test]
    fn names_break_no_row_and_command_no_terminal() {
        let class = RankedClass { label: "a\n\u{1b}[2J\tb".into(), probability: 0.5 };
        let path = "x\ny\t\u{9b}31m.jpg".to_string();
        let top = vec![class];
        let row = Row::Seen {
            path,
            label: Some("a".into()),
            probability: 0.5,
            top,
            unknown: None,
            logits: None,
        };
        assert_eq!(table_line(&row), "x\\ny\\t\\u{9b}31m.jpg\ta\\n\\u{1b}[2J\\tb 50.0 %\n");
    }
}
