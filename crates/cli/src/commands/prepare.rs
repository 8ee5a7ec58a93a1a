//! `kennel prepare`.

use std::path::{Path, PathBuf};

use clap::Args;
use kennel_core::{DuplicateGroup, DuplicateKind, Manifest, RunDir, files, shown};
use kennel_data::{DataError, Fractions, GroupBy, Outcome, PrepareOptions, Preset, prepare};

use crate::failure::{CommandResult, Failure};
use crate::folders::{DATA_DIR, RAW_DIR, RUNS_DIR};
use crate::hints::{hint_did_you_mean, parsed};
use crate::nearby::hint_nearby;
use crate::output::{Format, columns, print, print_json, wrapped};
use crate::progress::with_photo_bar;
use crate::session::Session;
use crate::{network, variables};

const EXAMPLE: &str = "\
Examples:
  kennel prepare photos/                            photos/<class>/*.jpg
  kennel prepare photos/ --out data/mine            photos/{train,val,test}/<class>/*.jpg keeps its division
  kennel prepare photos/ --classes-are .            also where a class is called train or test
  kennel prepare photos.csv --link                  columns path,label: hard links, no copies
  kennel prepare photos/ --group-by exif-time       photos of a burst stay on one side
  kennel prepare photos/ --add more/                more/<class>/*.jpg join photos/<class>/
  kennel prepare stanford-dogs-5                    fetches the photos of the study
  kennel prepare images.tar --preset stanford-dogs-5

Your files are never changed. Photos that cannot be read are listed with the reason and left out.";

/// What is prepared, and how.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct PrepareArgs {
    /// Folder of class folders, folder with train/, val/, test/, CSV file with the columns path and
    /// label (and perhaps split and group), Stanford Dogs as a folder or tar, or stanford-dogs-5 or
    /// stanford-dogs to fetch them
    source: PathBuf,
    /// Folder for the data set
    #[arg(long, value_name = "DIR", env = "KENNEL_DATA", hide_env_values = true, default_value = DATA_DIR)]
    out: PathBuf,
    /// Folder in SOURCE whose subfolders are the classes, whatever their names; `.` is SOURCE
    /// itself
    #[arg(long, value_name = "DIR")]
    classes_are: Option<PathBuf>,
    /// Folder of class folders whose photos join those of SOURCE; may be given several times. Where
    /// SOURCE is divided, they are for training; one that resembles a photo of another part goes
    /// with it
    #[arg(long, value_name = "DIR")]
    add: Vec<PathBuf>,
    /// Which folders of Stanford Dogs: stanford-dogs-5 (the five breeds of the study) or
    /// stanford-dogs (all 120)
    #[arg(long)]
    preset: Option<String>,
    /// Folder for downloaded photos [default: data/raw/<preset>]
    #[arg(long, value_name = "DIR")]
    raw: Option<PathBuf>,
    /// A mirror of Stanford's images.tar
    #[arg(long, value_name = "URL", env = "KENNEL_STANFORD_DOGS_URL", hide_env_values = true)]
    url: Option<String>,
    /// Seed of the split
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Leave out photos with a shorter side
    #[arg(long, value_name = "PIXELS", default_value_t = 64)]
    min_side: u32,
    /// Share of each class for training
    #[arg(long, value_name = "SHARE", default_value_t = Fractions::default().train)]
    train_fraction: f64,
    /// Share of each class for validation; the rest is the test part
    #[arg(long, value_name = "SHARE", default_value_t = Fractions::default().val)]
    val_fraction: f64,
    /// Keep the photos of one group on one side of the split: folder (class/GROUP/photo.jpg),
    /// regex:PATTERN (what the first parentheses match in the path), csv:FILE (columns path and
    /// group), exif-time[:SECONDS] (taken by one camera within 10 seconds of the one before)
    #[arg(long, value_name = "HOW", value_parser = parsed::<GroupBy>)]
    group_by: Option<GroupBy>,
    /// Correct labels while preparing: a CSV file with the columns path, label (of now) and
    /// suggested (the new one)
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Make hard links instead of copies
    #[arg(long)]
    link: bool,
    /// Output format; json prints the manifest
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Prepares a data set.
pub fn run(args: PrepareArgs, session: &Session) -> CommandResult {
    let mut preset = args.preset.as_deref().map(str::parse::<Preset>).transpose()?;
    let mut source = args.source.clone();
    // A folder that exists is the user's own, even if it has a preset's name.
    if !source.exists() {
        let name = source.to_string_lossy().into_owned();
        let preset_hint = hint_did_you_mean(&name, Preset::ALL.map(Preset::as_str));
        if let Ok(fetched) = name.parse::<Preset>() {
            if preset.is_some_and(|preset| preset != fetched) {
                return Err(Failure::Usage(format!(
                    "--preset and {name} contradict each other\nhint: leave --preset out"
                )));
            }
            preset = Some(fetched);
            let raw = args.raw.clone().unwrap_or_else(|| Path::new(RAW_DIR).join(fetched.as_str()));
            source = network::stanford_dogs(fetched, args.url.as_deref(), &raw, session)?;
        } else if let Some(hint) =
            Some(preset_hint).filter(|hint| !hint.is_empty()).or_else(|| hint_nearby(&source))
        {
            return Err(Failure::Failed(format!(
                "{name} is neither a file, a folder nor a preset{hint}"
            )));
        }
    }
    let options = PrepareOptions {
        preset,
        seed: args.seed,
        min_side_px: args.min_side,
        link: args.link,
        classes_are: args.classes_are.as_deref(),
        added: &args.add,
        group_by: args.group_by.as_ref(),
        labels: args.labels.as_deref(),
        fractions: Fractions { train: args.train_fraction, val: args.val_fraction },
        ..PrepareOptions::default()
    };
    let (running, stopped) = unfinished_on(&args.out);
    let prepared = with_photo_bar("checking", session, |task| {
        prepare(&source, &args.out, &options, task)
    })
    .map_err(|error| match (error, running) {
        (DataError::OutputBeingRead { path }, Some(run)) => Failure::Failed(format!(
            "{} is being trained on {}\nhint: wait for it or stop it, or choose another folder \
                 with --out",
            run.path().display(),
            path.display()
        )),
        (error, _) => error.into(),
    })?;
    let manifest = &prepared.manifest;
    for photo in &manifest.rejected {
        say!(session, "left out   {}: {}", shown(&photo.path), photo.reason);
    }
    for note in &manifest.notes {
        say!(session, "note       {}", shown(note));
    }
    if let (Outcome::Replaced, Some(run)) = (prepared.outcome, stopped) {
        say!(
            session,
            "note       {} was stopped; it resumes only with the photos that it began with, \
             prepared with the same --seed",
            run.path().display()
        );
    }
    match args.format {
        Format::Json => print_json(manifest),
        Format::Table => print(&summary(manifest, prepared.outcome, &args.out)),
    }
}

/// Returns the newest run that is being trained on the photos in `out`, and the newest stopped one.
fn unfinished_on(out: &Path) -> (Option<RunDir>, Option<RunDir>) {
    let runs = variables::value("KENNEL_RUNS").map_or_else(|| RUNS_DIR.into(), PathBuf::from);
    let is_of_out = |run: &RunDir| {
        !run.is_finished()
            && run
                .read_record()
                .is_ok_and(|record| files::is_same_place(&record.settings.data_dir, out))
    };
    // A folder that cannot be listed counts as empty.
    let mut of_out = RunDir::list(&runs).unwrap_or_default();
    of_out.retain(is_of_out);
    // If the lock cannot be checked, the run counts as stopped.
    let (mut running, mut stopped): (Vec<_>, Vec<_>) =
        of_out.into_iter().partition(|run| matches!(run.lock(), Ok(None)));
    (running.pop(), stopped.pop())
}

fn summary(manifest: &Manifest, outcome: Outcome, out: &Path) -> String {
    let classes = manifest.classes.iter().map(|name| (name.as_str(), Some(name.as_str())));
    let rows = classes.chain([("", None)]).map(|(shown, label)| {
        let counts = manifest.counts(label);
        let all = counts.train + counts.val + counts.test;
        [
            shown.to_string(),
            counts.train.to_string(),
            counts.val.to_string(),
            counts.test.to_string(),
            all.to_string(),
        ]
    });
    let table = columns(["class", "train", "val", "test", "all"], rows.collect(), &[1, 2, 3, 4]);
    let of = |kind| manifest.duplicates.iter().filter(|group| group.kind == kind).count();
    let is_claimed = |group: &&DuplicateGroup| group.kind != DuplicateKind::Alike;
    let claimed = manifest.duplicates.iter().filter(is_claimed);
    let crossing = claimed.filter(|group| group.crosses_splits).count();
    let alike = match of(DuplicateKind::Alike) {
        0 => String::new(),
        n => format!("; groups that look alike: {n}"),
    };
    let counts = format!(
        "{} photos in {} classes, {} left out; the same picture twice or more: {} exactly, {} \
         nearly, {crossing} of them across a split{alike}",
        manifest.photos.len(),
        manifest.classes.len(),
        manifest.rejected.len(),
        of(DuplicateKind::Exact),
        of(DuplicateKind::Near),
    );
    format!(
        "{table}\n{}\n{} {}\n",
        wrapped(&counts, 2),
        match outcome {
            Outcome::Created => "written to",
            Outcome::Unchanged => "nothing to do: it is all in",
            Outcome::Replaced => "replaced",
        },
        out.display()
    )
}
