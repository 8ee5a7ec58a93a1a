//! `kennel audit`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;
use kennel_audit::{Audit, ClassPair, Features, JudgedPhotos, WrongLabel, audit, photos_of};
use kennel_core::task::Event;
use kennel_core::{Manifest, PredictionRecord, Settings, Task, files, quoted};
use kennel_metrics::format_proportion;
use kennel_report::{AuditReport, write_audit};
use kennel_train::{FeatureRows, TrainError, TrainOptions, frozen_features};

use crate::cache::CacheArgs;
use crate::chosen_run::ChosenRun;
use crate::device::DeviceArg;
use crate::failure::{CommandResult, Failure};
use crate::interrupt;
use crate::lang::LangArg;
use crate::output::{Format, Stream, columns_that_fit, print, print_json, wrapped};
use crate::progress::Terminal;
use crate::session::Session;

const EXAMPLE: &str = "\
Examples:
  kennel audit --run RUN
  kennel audit --run RUN --out audit                  audit/audit.html shows the photos, worst first
  kennel audit --run RUN --fixes fixes.csv            then delete the lines that you disagree with:
  kennel prepare photos/ --labels fixes.csv           and the rest is corrected

No photo and no label is changed.";

/// Wrong labels that are printed.
const PRINTED: usize = 20;
/// Indentation of the lines after a sentence's first.
const INDENT: usize = 2;

/// Which photos are audited, and where the findings go.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct AuditArgs {
    #[command(flatten)]
    chosen: ChosenRun,
    #[command(flatten)]
    findings: FindingsArgs,
    #[command(flatten)]
    cache: CacheArgs,
    #[command(flatten)]
    device: DeviceArg,
}

/// Where the findings go.
#[derive(Args)]
pub struct FindingsArgs {
    /// Write audit.json and audit.html, a page of pictures, into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write the probably wrong labels as path,label,suggested, for `kennel prepare --labels`
    #[arg(long, value_name = "FILE")]
    fixes: Option<PathBuf>,
    #[command(flatten)]
    language: LangArg,
    /// Output format; json prints what audit.json holds
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What an audit is based on.
pub struct Evidence<'a> {
    /// Out-of-fold predictions, one per photo.
    pub records: &'a [PredictionRecord],
    /// Features of the photos, in the order of the records.
    pub features: Option<Features<'a>>,
    /// Class names in the order of the logits.
    pub class_names: &'a [String],
    /// The data set of the photos.
    pub manifest: &'a Manifest,
    /// Its folder.
    pub data: &'a Path,
}

/// Audits the labels of a run's photos by its out-of-fold predictions.
pub fn run(args: AuditArgs, session: &Session) -> CommandResult {
    let run = args.chosen.open(session)?;
    let record = run.read_record()?;
    let (class_names, manifest) = (&record.facts.class_names, run.read_manifest()?);
    let records = run.read_out_of_fold(class_names, &manifest)?.ok_or_else(|| {
        Failure::Failed(format!(
            "{} has no out-of-fold predictions\n\
             hint: `kennel train --config {} --strategy freeze --head convex` trains a run that has them",
            run.path().display(),
            quoted(&run.path().to_string_lossy()),
        ))
    })?;
    let data = Path::new(&record.settings.data_dir);
    let rows = frozen_rows(&record.settings, &records, &args, session)?;
    let features = rows.as_ref().map(|rows| Features { values: &rows.values, width: rows.width });
    let evidence = Evidence { records: &records, features, class_names, manifest: &manifest, data };
    tell(&evidence, &args.findings, session)
}

/// Computes or reads the features that outliers are looked for in. Without the pretrained weights,
/// or on other photos than the run's, there are none, and a note says so.
fn frozen_rows(
    settings: &Settings,
    records: &[PredictionRecord],
    args: &AuditArgs,
    session: &Session,
) -> Result<Option<FeatureRows>, Failure> {
    let options = TrainOptions {
        cache: Some(args.cache.options()),
        skip_test: true,
        ..TrainOptions::new(args.device.open(session)?)
    };
    let terminal = Terminal::new(session);
    let on = |event: Event<'_>| terminal.on(event);
    let task = Task::new(interrupt::listen(session), &on);
    let found = match frozen_features(settings, &options, task) {
        Err(TrainError::Stopped(stopped)) => return Err(TrainError::from(stopped).into()),
        found => found,
    };
    let reason = match found {
        Ok(rows) => {
            let paths = rows.photos.iter().map(|photo| &photo.path);
            if paths.eq(records.iter().map(|record| &record.path)) {
                return Ok(Some(rows));
            }
            "the photos are not those of the run".to_string()
        }
        Err(error) => error.to_string(),
    };
    say!(session, "note: outliers are not looked for: {reason}");
    Ok(None)
}

/// Audits labels; writes and prints what is found.
pub fn tell(evidence: &Evidence, args: &FindingsArgs, session: &Session) -> CommandResult {
    let Evidence { records, features, class_names, manifest, data } = *evidence;
    let (photos, probabilities) = photos_of(records, class_names)?;
    let audit = audit(&JudgedPhotos {
        class_names,
        photos: &photos,
        probabilities: &probabilities,
        features,
        duplicates: &manifest.duplicates,
    })?;
    let report = AuditReport::new(&audit, manifest, data);
    if let Some(path) = &args.fixes {
        files::create_dir_all(files::folder_of(path))?;
        files::write_atomically(path, &fixes(&audit, manifest)?)?;
        say!(session, "fixes   {}: {} labels to look at", path.display(), audit.wrong_labels.len());
    }
    if let Some(out) = &args.out {
        let page = write_audit(&report, out, args.language.lang)?;
        say!(session, "page    {}", page.display());
    }
    match args.format {
        Format::Json => print_json(&report),
        Format::Table => print(&render(&audit, args.out.is_some())),
    }
}

/// Writes the wrong labels as CSV, worst first. A path is that of the photo in the folder that was
/// prepared. Cells are exact, also where a spreadsheet would run them: the file is read back.
fn fixes(audit: &Audit, manifest: &Manifest) -> Result<Vec<u8>, Failure> {
    let sources: HashMap<&str, &str> =
        manifest.photos.iter().map(|photo| (&*photo.path, &*photo.source)).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let rows = audit.wrong_labels.iter().map(|WrongLabel { path, label, suggested, .. }| {
        [sources.get(path.as_str()).copied().unwrap_or(path), label, suggested]
    });
    for row in [["path", "label", "suggested"]].into_iter().chain(rows) {
        writer.write_record(row).map_err(|error| cannot_write(&error))?;
    }
    writer.into_inner().map_err(|error| cannot_write(&error))
}

fn cannot_write(error: &dyn std::fmt::Display) -> Failure {
    Failure::Failed(format!("cannot write CSV: {error}"))
}

/// Renders the findings for a terminal. `has_page`: whether a page shows the rest.
fn render(audit: &Audit, has_page: bool) -> String {
    let wrong = &audit.estimated_wrong;
    let judged = format!(
        "{} photos, judged by networks that had not seen them: as labelled {}",
        audit.photos,
        format_proportion(&audit.as_labelled)
    );
    let estimated = format!(
        "wrong labels: an estimated {} (95 % CI {:.0}-{:.0}); listed: {}{}",
        wrong.count,
        wrong.low,
        wrong.high,
        audit.wrong_labels.len(),
        if audit.wrong_labels.is_empty() { "" } else { ", worst first" }
    );
    let mut text = format!("{}\n{}\n", wrapped(&judged, INDENT), wrapped(&estimated, INDENT));
    if !audit.wrong_labels.is_empty() {
        text += &format!("\n{}", table(&audit.wrong_labels));
    }
    let more = audit.wrong_labels.len().saturating_sub(PRINTED);
    if more > 0 {
        text += &format!("and {more} more\n");
    }
    text.push('\n');
    for line in others(audit) {
        text += &format!("{}\n", wrapped(&line, INDENT));
    }
    if !has_page {
        text +=
            &format!("\n{}\n", wrapped("--out DIR writes a page that shows the photos", INDENT));
    }
    text
}

fn table(wrong: &[WrongLabel]) -> String {
    let per_cent = |probability: f64| format!("{:.1} %", 100.0 * probability);
    let rows: Vec<[String; 5]> = wrong
        .iter()
        .take(PRINTED)
        .map(|photo| {
            [
                photo.path.clone(),
                photo.label.clone(),
                per_cent(photo.label_probability),
                photo.suggested.clone(),
                per_cent(photo.suggested_probability),
            ]
        })
        .collect();
    let header = ["photo", "label", "probability", "probably", "probability"];
    columns_that_fit(Stream::Out, header, &rows, &[2, 4], &[2, 4])
}

/// Returns a line for every other list.
fn others(audit: &Audit) -> Vec<String> {
    let mut lines = vec![format!("ambiguous: {}", audit.ambiguous.len())];
    if let Some(outliers) = &audit.outliers {
        lines.push(format!("outliers: {}", outliers.len()));
    }
    lines.push(format!("one picture under several classes: {}", audit.contradictions.len()));
    lines.push(format!("classes that are taken for each other: {}", audit.class_pairs.len()));
    lines.extend(audit.class_pairs.iter().map(|pair: &ClassPair| {
        format!(
            "{} is taken for {}: {}; the other way round: {}",
            pair.first,
            pair.second,
            format_proportion(&pair.first_as_second),
            format_proportion(&pair.second_as_first)
        )
    }));
    lines
}

#[cfg(test)]
mod tests {
    use kennel_core::{PhotoRecord, Split};

    use super::*;

    /// Twelve photos of two classes; the labels of photos 0 and 1 are wrong.
    fn evidence() -> (Vec<PredictionRecord>, Vec<String>, Manifest) {
        let classes = vec!["=sum".to_string(), "a, b".into()];
        let photo = |number: usize| PhotoRecord {
            path: format!("train/{}/{number}.jpg", classes[number % 2]),
            source: format!("{}/in \"box\" {number}.jpg", classes[number % 2]),
            label: classes[number % 2].clone(),
            split: Split::Train,
            width_px: 64,
            height_px: 64,
            sha256: String::new(),
            group: None,
        };
        let photos: Vec<PhotoRecord> = (0..12).map(photo).collect();
        let records = photos.iter().enumerate().map(|(number, photo)| {
            let says_first = number.is_multiple_of(2) != (number < 2);
            let logit = 5.0 - 0.1 * number as f32;
            PredictionRecord {
                path: photo.path.clone(),
                label: photo.label.clone(),
                logits: if says_first { vec![logit, 0.0] } else { vec![0.0, logit] },
            }
        });
        let records = records.collect();
        let manifest = Manifest {
            version: 1,
            division: "stratified".into(),
            seed: 42,
            grouped_by: None,
            classes: classes.clone(),
            photos,
            rejected: Vec::new(),
            duplicates: Vec::new(),
            notes: Vec::new(),
        };
        (records, classes, manifest)
    }

    fn audited(records: &[PredictionRecord], classes: &[String]) -> Audit {
        let (photos, probabilities) = photos_of(records, classes).unwrap();
        audit(&JudgedPhotos {
            class_names: classes,
            photos: &photos,
            probabilities: &probabilities,
            features: None,
            duplicates: &[],
        })
        .unwrap()
    }

    #[test]
    fn fixes_name_photos_as_in_the_folder_that_was_prepared_and_read_back_exactly() {
        let (records, classes, manifest) = evidence();
        let csv = fixes(&audited(&records, &classes), &manifest).unwrap();
        let text = String::from_utf8(csv).unwrap();
        let expected = "path,label,suggested\n\
            \"=sum/in \"\"box\"\" 0.jpg\",=sum,\"a, b\"\n\
            \"a, b/in \"\"box\"\" 1.jpg\",\"a, b\",=sum\n";
        assert_eq!(text, expected);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let row = reader.records().next().unwrap().unwrap();
        assert_eq!(&row[0], manifest.photos[0].source);
    }

    #[test]
    fn findings_are_told_worst_first() {
        let (records, classes, _) = evidence();
        let text = render(&audited(&records, &classes), false);
        let expected = "\
12 photos, judged by networks that had not seen them: as labelled 10/12 = 83.3 % (95 % CI 55.2-95.3)
wrong labels: an estimated 2 (95 % CI 1-5); listed: 2, worst first

 photo             label  probability  probably  probability
 train/=sum/0.jpg  =sum         0.7 %  a, b           99.3 %
 train/a, b/1.jpg  a, b         0.7 %  =sum           99.3 %

ambiguous: 0
one picture under several classes: 0
classes that are taken for each other: 0

--out DIR writes a page that shows the photos
";
        assert_eq!(text, expected, "\n{text}");
    }
}
