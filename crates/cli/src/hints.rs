//! Words every hint of the libraries: here, and nowhere below, flags and commands are named.

use std::path::Path;

use kennel_core::hint::{Access, Division, Hinted, Missing, Output, Stale};
use kennel_core::{Hint, Method, Note, did_you_mean, quoted, shown};
use kennel_report::{Commands, FinishedRun, Named};

/// Returns the message of an error, and its hints on lines of their own.
pub fn worded(error: &dyn Hinted) -> String {
    error.hints().iter().fold(error.to_string(), |said, hint| said + &line(hint))
}

/// Returns the message of an error and its hints on one line, for a row of a table.
pub fn in_a_row(error: &dyn Hinted) -> String {
    error.hints().iter().fold(error.to_string(), |said, hint| format!("{said}; {}", words(hint)))
}

/// Returns a hint as a line to append to a message.
pub fn line(hint: &Hint) -> String {
    format!("\nhint: {}", words(hint))
}

/// Returns a note with its hint.
pub fn note(note: &Note) -> String {
    match &note.hint {
        Some(hint) => format!("{}; {}", note.text, words(hint)),
        None => note.text.clone(),
    }
}

/// Returns a line that suggests the known name closest to a mistyped one, or an empty string.
pub fn hint_did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    did_you_mean(typed, known).map_or_else(String::new, |name| line(&Hint::DidYouMean(name.into())))
}

/// Parses the value of a flag. The error is the message with its hints.
pub fn parsed<T: std::str::FromStr<Err: Hinted>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| worded(&error))
}

/// Returns a path as a word of a command.
fn word(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// Words a hint.
pub fn words(hint: &Hint) -> String {
    let text = match hint {
        Hint::DidYouMean(name) => return format!("did you mean `{name}`?"),
        Hint::ChoiceByName { section, name } => {
            return format!(
                "{section} = {{ name = \"{name}\" }} in a file; `kennel run` takes --set \
                 {section}.name={name}"
            );
        }
        Hint::OtherChoice { section, key } => {
            return format!("leave `{key}` out, or choose another with --{section}");
        }
        Hint::ScoreOrTrain => {
            "`kennel evaluate --zero-shot` scores an untouched head; --strategy freeze trains a \
             new one"
        }
        Hint::ListModels => "`kennel models` lists those there are",
        Hint::KnownWeights { model, tags } => {
            return format!("known weights of {model}: {}", tags.join(", "));
        }
        Hint::Stages(stages) => return format!("its stages are {}", stages.join(", ")),
        Hint::Layers(layers) => {
            return format!("its layers are named as in its state dict: {}", layers.join(", "));
        }
        Hint::Example(example) => return format!("for example `{example}`"),
        Hint::Synset { class, candidates, more } => return synset(class, candidates, *more),
        Hint::TellApart { class } => {
            let flag = synset_flag(class, "n########");
            return format!("tell them apart with `{flag}`, or make one class of them");
        }

        Hint::OtherPlace => {
            "this place is read-only for you; choose another with a flag such as --out or --runs, \
             with HF_HOME for fetched weights"
        }
        Hint::FileInTheWay => {
            "a file stands where a folder should be: move it away, or choose another place"
        }
        Hint::FileSizeLimit => {
            "the system limits the size of files: raise the limit with `ulimit -f unlimited`, or ask \
             its administrator"
        }
        Hint::MakeRoom => {
            "make room (`kennel doctor` says what is free), or choose another place with a flag \
             such as --out or --runs, with HF_HOME for fetched weights"
        }
        Hint::OtherName => "give another name, or move it away",
        Hint::MoveAway => "move it away; it is written anew",

        Hint::RestoreOrTrain { sums } => {
            return format!(
                "put a copy back, or train the run again; if you changed it on purpose, remove {}",
                shown(sums)
            );
        }
        Hint::RestoreSums => "put a copy back; without the file, the run is read as it is",
        Hint::FolderOfRuns(folder) => {
            return format!(
                "--runs takes the folder that it lies in, {}; a single run is given with --run",
                shown(folder)
            );
        }
        Hint::Resume { run } => {
            return format!("`kennel train --resume {}` finishes it", word(run));
        }
        Hint::TrainAgain => {
            "the file was edited or cut: `kennel train --config RUN` trains the run again"
        }
        Hint::BeginAnew { run, early_stopping } => {
            let patience = early_stopping.map(|epochs| format!(" --early-stopping {epochs}"));
            return format!(
                "`kennel train --config {}{}` begins anew",
                word(run),
                patience.unwrap_or_default()
            );
        }
        Hint::RestorePhotos { run, data, division } => {
            let data = quoted(data);
            let restore = match division {
                Some(division) => format!(
                    "`kennel prepare PHOTOS --seed {}{} --out {data}` with the photos of then \
                     brings them back",
                    division.seed,
                    grouping(division)
                ),
                None => format!("it resumes when {data} holds the photos of then"),
            };
            return format!(
                "{restore}; `kennel train --config {}` begins anew with those of now",
                word(run)
            );
        }
        Hint::WaitOrStop => "wait until it ends, or stop it first",
        Hint::Train { model: None, .. } => {
            "`kennel run` trains them, `kennel train --model NAME` trains one"
        }
        Hint::Train { model: Some(model), strategy } => return train(model, *strategy),
        Hint::NoRunsFolder => "there is no such folder; --runs takes the one that your runs lie in",
        Hint::NoRunsFolderOrTrain { model, strategy } => {
            return format!("{}, {}", words(&Hint::NoRunsFolder), train(model, *strategy));
        }
        Hint::AverageProbabilities => "without --soup, their probabilities are averaged",
        Hint::OfRun => "give the run that it was exported from, with --run RUN",
        Hint::OtherPort => "another program listens there; --port 0 takes a free port",
        Hint::PhotosMoved => "say where they lie now with --data DIR",
        Hint::RunsOfOneDivision => {
            "only runs that were trained on one data set, as it was divided once, are averaged"
        }
        Hint::MoreEpochs => "--epochs N trains it further",

        Hint::PipeIn => "`curl -s ADDRESS | kennel predict -` reads a photo from there",
        Hint::ClassFoldersOrTar => {
            "give a folder with one folder of photos per class, or a .tar of Stanford Dogs"
        }
        Hint::Prepare => {
            "`kennel prepare PHOTOS` makes it; --data takes another, or a folder with one folder \
             of photos per class"
        }
        Hint::OtherData { folder, others: 0 } => return format!("--data {}", word(folder)),
        Hint::OtherData { folder, others } => {
            return format!("--data {}, or one of the {others} beside it", word(folder));
        }
        Hint::PrepareArchive(archive) => {
            return format!("run `kennel prepare {}` and train on what that writes", word(archive));
        }
        Hint::FolderOfClasses => "give the folder that the folders of the classes lie in",
        Hint::ChooseReading { source, classes_are: [first, second] } => {
            return format!(
                "run the command of the one that is meant, or move what does not belong \
                 there:\n  {}\n  {}",
                prepare(source, first),
                prepare(source, second)
            );
        }
        Hint::FolderPerClass { source, folder, classes_are } => {
            return format!(
                "put the photos of each class into a folder, as in {folder}/<class>/1.jpg; where {folder} and the folders beside it \
                 are the classes themselves: {}",
                prepare(source, classes_are)
            );
        }
        Hint::ClassesAre => {
            "--classes-are takes a folder as it is called in the source, or `.` for the source \
             itself"
        }
        Hint::Rename => "rename it",
        Hint::AddTrainingPart { source } => {
            let source = shown(source);
            return format!(
                "add train/, or give one part alone, such as {source}/test, to have it divided"
            );
        }
        Hint::ExpectedFolders { source, above } => {
            let source = shown(source);
            let or = match above {
                true => "; if this is the folder of one class, give the one above it",
                false => "",
            };
            return format!(
                "Kennel expects {source}/<class>/<photo>.jpg, or the same under train/, val/ and \
                 test/{or}"
            );
        }
        Hint::OneFolderPerClass { source } => {
            return format!(
                "Kennel expects one folder per class in {}; is this the folder of a single class?",
                source.display()
            );
        }
        Hint::ClassesInside { folder, count, packed } => {
            let unpack = if *packed { "unpack the archive and " } else { "" };
            return format!(
                "its photos lie in {count} folders in {}; if those are the classes, {unpack}give \
                 that folder",
                folder.display()
            );
        }
        Hint::SameClass(class) => {
            return format!(
                "`{class}` differs in capitals or spaces only; if they are one class, call both \
                 folders the same"
            );
        }
        Hint::MorePhotos { divided: true } => {
            "add photos of it to train/, or take its folders out of the other parts"
        }
        Hint::MorePhotos { divided: false } => {
            "two photos give it one to train on, seven one in every part: add photos, or take its \
             folder out"
        }
        Hint::OtherFractions => {
            "seven photos of a class give every part one: add photos, or divide otherwise with \
             `kennel prepare --train-fraction 0.5 --val-fraction 0.25`"
        }
        Hint::ValidFractions => {
            "each is at least 0, train is above 0, and together they are at most 1, for example \
             0.70 and 0.15"
        }
        Hint::GroupBy => {
            "--group-by takes `folder` (class/GROUP/photo.jpg), `regex:(animal[0-9]+)` \
             (parentheses around what names the group in the path), `csv:FILE` (columns path and \
             group) or `exif-time:60` (taken within 60 seconds of the one before)"
        }
        Hint::Folds { most: None } => "5 folds are usual, 10 for few photos",
        Hint::Folds { most: Some(0 | 1) } => "add photos of it, or take its folder out",
        Hint::Folds { most: Some(most) } => {
            return format!("these photos allow up to {most} folds; add photos of it for more");
        }
        Hint::StanfordDogs => {
            "give Stanford Dogs' `images.tar` or the folder that holds `Images`; without --preset, \
             every folder is a class"
        }
        Hint::UnpackSafely => "unpack it yourself where that is safe, and give the folder",
        Hint::FolderOrTar => {
            "`kennel prepare` takes a folder with a folder of photos per class, or a tar of one; \
             what is packed otherwise, unpack first"
        }
        Hint::OtherOutput(Output::HoldsFile) => {
            "move that file away, or choose a new folder with --out"
        }
        Hint::OtherOutput(Output::NotOurs) => {
            "choose a new folder with --out, or empty this one yourself"
        }
        Hint::OtherOutput(Output::InUse) => {
            "wait until it ends, or choose another folder with --out"
        }
        Hint::OtherOutput(Output::BeingRead) => {
            "wait for it or stop it, or choose another folder with --out"
        }
        Hint::OtherOutput(Output::InSource) => "choose a folder elsewhere with --out",
        Hint::WaitForPrepare => "run this again when `kennel prepare` has ended",
        Hint::PrepareAgain(Stale::Incomplete) => "run `kennel prepare` again to restore the folder",
        Hint::PrepareAgain(Stale::Manifest) => "run `kennel prepare` again",
        Hint::PrepareAgain(Stale::Gone) => {
            "was the folder changed, or prepared again? `kennel prepare` with the photos and the \
             --seed of then brings it back"
        }
        Hint::PrepareAgain(Stale::Changed) => {
            "put the photo of then back, or run `kennel prepare` again and train anew"
        }
        Hint::PrepareAgain(Stale::ChangedMeanwhile) => {
            "run `kennel prepare` again when nothing writes to the source"
        }
        Hint::PrepareAgain(Stale::Unlisted) => {
            "put new photos where the others came from, and run `kennel prepare` again"
        }
        Hint::BringBack => "bring it back, or name a folder that has them with --data",
        Hint::SortElsewhere => "choose a folder elsewhere with --sort-into",
        Hint::CopyInstead => "hard links stay on one file system; leave out --link to copy",
        Hint::MoreMemory => "--memory takes a larger budget",
        Hint::EverySplit => "--split all takes the photos of every part",
        Hint::JudgeEverySplit => "--split all judges all of them",
        Hint::OtherClass(class) => {
            return format!(
                "train a run on photos that have this class, or judge this one on a folder without \
                 `{class}`"
            );
        }
        Hint::RunsPhotos { seed } => {
            let divided =
                seed.map(|seed| format!(", as `kennel prepare --seed {seed}` divided them"));
            return format!(
                "the file is proved on the run's own validation photos{}; say where they lie now \
                 with --data DIR",
                divided.unwrap_or_default()
            );
        }

        Hint::GiveWeights { name } => {
            return format!(
                "give a folder or file with --weights DIR (model.safetensors and config.json, as on huggingface.co/timm/{name}), \
                 or put that folder into the Hugging Face cache"
            );
        }
        Hint::KindsOfWeights { example } => {
            return format!(
                "weights are a safetensors file, a folder with model.safetensors, a run, or a name \
                 such as {example}"
            );
        }
        Hint::ConvertPickle => {
            "convert it in Python with `safetensors.torch.save_file(torch.load(path, \
             weights_only=True), \"model.safetensors\")`"
        }
        Hint::UseModel(model) => return format!("use --model {model}"),
        Hint::TrainHead { model, weights } => {
            return format!(
                "a network without one names no class; `kennel train --model {model} --weights {}` \
                 trains a new one",
                word(weights)
            );
        }
        Hint::UntouchedHead { model, weights } => {
            return format!(
                "it scored the untouched head, which has no file of its own; `kennel predict PHOTO --model {model} --weights {weights}` \
                 labels with it"
            );
        }
        Hint::TrainSame { run } => {
            return format!(
                "it was taken away; `kennel train --config {}` trains the same again",
                word(run)
            );
        }
        Hint::ResumeForWeights { run } => {
            return format!("`kennel train --resume {}` resumes it", word(run));
        }
        Hint::UseOnnx => {
            "an exported file is used with `kennel predict --onnx`; its run, or `kennel export \
             --timm DIR`, has weights to train on"
        }
        Hint::OtherWeights => {
            "every value of the file is finite, but what is computed of them is not: take other \
             weights"
        }
        Hint::TrainPartsToo(parts) => return format!("add it: --unfreeze {parts}"),
        Hint::WeightPerClass => "every class needs one; 1 is a plain one",
        Hint::SmallerSteps => "lower --learning-rate, or bound the gradient with --gradient-clip 1",
        Hint::LowerRate => {
            "its weights overflow, or a running variance is negative; train it again with a lower \
             --learning-rate"
        }
        Hint::LargerCache => "--cache-size makes it larger",
        Hint::ShareByShards => {
            "give every process its share: --shard 0/2 and --shard 1/2; one alone takes --shard 0/1"
        }
        Hint::MoreShards(count) => return format!("--shards {count}, or more"),
        Hint::OneProcess => {
            "start one process, or let several `kennel run` in one folder share the trainings"
        }
        Hint::BuildWith(feature) => {
            return format!(
                "cargo build --release --workspace --features kennel/{feature}; or --device cpu"
            );
        }
        Hint::CheckDriver => "check its driver; or --device cpu",

        Hint::KeepTogether { inside: true } => {
            "both files must travel together; or export again without --external-data"
        }
        Hint::KeepTogether { inside: false } => {
            "both files must travel together; copy both again, or export again"
        }
        Hint::Describe(missing) => {
            let flags: Vec<&str> = missing.iter().map(flag_of).collect();
            return format!("what its metadata do not say can be given: {}", flags.join(" "));
        }
        Hint::InstallRuntime { variable } => {
            return format!(
                "`pip install onnxruntime` (or a release from its site), then set {variable} to its library, which pip puts into \
                 onnxruntime/capi/"
            );
        }
        Hint::MoreTime => {
            "a large network on a slow machine may take longer: --time-limit SECONDS for each photo"
        }
        Hint::AllowLoss { layers } => {
            let layers = match layers.as_slice() {
                [] => String::new(),
                layers => {
                    format!("keep layers in floats with --float-layers {}, or ", layers.join(","))
                }
            };
            return format!("{layers}allow more with --max-drop POINTS");
        }
        Hint::ReportBug => {
            "this is a bug of Kennel's or of the runtime's; please report it with the run's \
             config.toml"
        }

        Hint::SameAgain => "the same command resumes from there",
        Hint::CopyFrom(folder) => {
            return format!(
                "fetch it where there is a network, and copy {} here",
                folder.display()
            );
        }
        Hint::FetchOtherwise { url, unpack: false } => return format!("fetch {url} yourself"),
        Hint::FetchOtherwise { url, unpack: true } => {
            return format!("fetch {url} yourself and unpack it");
        }
        Hint::Access(Access::CheckToken) => {
            "the token was not accepted: check HF_TOKEN, or `hf auth login`"
        }
        Hint::Access(Access::AcceptConditions) => {
            "accept the repository's conditions on its page, with the account of your token"
        }
        Hint::Access(Access::SetToken) => {
            "what is gated or private needs a token: set HF_TOKEN, or `hf auth login`"
        }
        Hint::Access(Access::CheckName) => {
            "check the name; what is private is also answered so without a token (HF_TOKEN)"
        }
        Hint::Access(Access::CheckAddress) | Hint::CheckAddress => "check the address",
        Hint::CheckConnection => {
            "check the connection (a proxy is taken from HTTPS_PROXY and HTTP_PROXY); the same \
             command resumes where it stopped"
        }
        Hint::CheckMirror => "check the address (of a mirror: HF_ENDPOINT, --url)",
        Hint::Replaced => "the file was replaced or the server is at fault; check the address",
        Hint::TryAgain => {
            "try again; if it stays so, the file was replaced or something on the way changes it"
        }
        Hint::TryLater => "try again later",
        Hint::PlainTar { url } => {
            return format!("check the address; {url} should be an uncompressed tar");
        }
        Hint::CheckHub { endpoint } => {
            return format!(
                "is HF_ENDPOINT ({endpoint}) a Hugging Face hub? check proxy and firewall"
            );
        }
        Hint::NameCache => "set HF_HUB_CACHE to a folder",
        Hint::FetchAgain => "move that folder away and fetch it again",
    };
    text.into()
}

/// Returns the flag that groups photos as they were, or nothing.
fn grouping(division: &Division) -> String {
    match division.grouped_by.as_deref() {
        None => String::new(),
        // The manifest does not record the place of the table.
        Some("csv") => " --group-by csv:FILE".into(),
        Some(by) => format!(" --group-by {}", quoted(by)),
    }
}

fn synset(class: &str, candidates: &[(&str, &str)], more: usize) -> String {
    let Some((first, _)) = candidates.first() else {
        return format!(
            "say which class it is by an English name or a synset, as in `{}`; one word such as \
             `cat` lists the classes that have it",
            synset_flag(class, "tabby")
        );
    };
    let names: Vec<String> =
        candidates.iter().map(|(synset, name)| format!("{synset} ({name})")).collect();
    let more = match more {
        0 => String::new(),
        more => format!(" or one of {more} more"),
    };
    format!("did you mean {}{more}? Say so with `{}`", names.join(", "), synset_flag(class, first))
}

fn synset_flag(class: &str, synset: &str) -> String {
    match class.contains(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))) {
        true => format!("--synset \"{class}={synset}\""),
        false => format!("--synset {class}={synset}"),
    }
}

fn train(model: &str, strategy: Option<&str>) -> String {
    let strategy = strategy.map(|strategy| format!(" --strategy {strategy}")).unwrap_or_default();
    format!("`kennel train --model {model}{strategy}` makes one")
}

fn prepare(source: &Path, classes_are: &str) -> String {
    format!(
        "kennel prepare {} --classes-are {}",
        quoted(&source.to_string_lossy()),
        quoted(classes_are)
    )
}

fn flag_of(missing: &Missing) -> &'static str {
    match missing {
        Missing::ClassNames => "--classes NAME,...",
        Missing::Side => "--side PIXELS",
        Missing::CropPct => "--crop-pct 0.875",
        Missing::Interpolation => "--interpolation bicubic",
        Missing::Mean => "--mean 0.485,0.456,0.406",
        Missing::Std => "--std 0.229,0.224,0.225",
    }
}

/// The commands of this program, for a report.
pub struct Kennel;

impl Commands for Kennel {
    fn reproduce(&self, run: &FinishedRun) -> String {
        match run.settings().method {
            Method::ZeroShot => self.zero_shot(run),
            Method::Soup => {
                let beside = |name: &String| {
                    quoted(&run.dir.path().with_file_name(name).display().to_string())
                };
                let members: Vec<String> = run.facts().averaged.iter().map(beside).collect();
                format!("kennel ensemble --soup {}", members.join(" "))
            }
            Method::Train(_) => {
                format!("kennel train --config {}", quoted(&run.dir.config().display().to_string()))
            }
        }
    }

    fn zero_shot(&self, run: &FinishedRun) -> String {
        let runs =
            run.dir.path().parent().map_or_else(String::new, |runs| runs.display().to_string());
        let settings = run.settings();
        let [weights, data, runs] =
            [settings.weights.as_str(), &settings.data_dir, &runs].map(quoted);
        format!(
            "kennel evaluate --zero-shot --model {} --weights {weights} --data {data} --split all \
             --runs {runs}",
            settings.model
        )
    }

    fn predict(&self, run: &FinishedRun) -> String {
        format!("kennel predict PHOTOS --run {}", word(run.dir.path()))
    }

    fn export(&self, run: &FinishedRun) -> String {
        format!("kennel export --run {}", word(run.dir.path()))
    }

    fn audit(&self, run: &FinishedRun, out: &Path) -> String {
        format!("kennel audit --run {} --out {}", word(run.dir.path()), word(out))
    }

    fn name(&self, of: Named) -> &'static str {
        match of {
            Named::Prepare => "kennel prepare",
            Named::Report => "kennel report",
            Named::ZeroShot => "kennel evaluate --zero-shot",
            Named::Synset => "--synset",
            Named::SynsetExample => "--synset CLASS=n########",
            Named::FreshViews => "--feature-views 0",
        }
    }

    fn describe(&self, error: &dyn Hinted) -> String {
        worded(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_without_a_synset_is_answered_with_the_flag_that_gives_one() {
        let hint = |class: &str, candidates: &[(&'static str, &'static str)], more| {
            words(&Hint::Synset { class: class.into(), candidates: candidates.to_vec(), more })
        };
        let poodles = [("n02113624", "toy poodle"), ("n02113712", "miniature poodle")];
        assert_eq!(
            hint("poodle", &poodles, 0),
            "did you mean n02113624 (toy poodle), n02113712 (miniature poodle)? Say so with \
             `--synset poodle=n02113624`"
        );
        assert_eq!(
            hint("my dog", &poodles[..1], 3),
            "did you mean n02113624 (toy poodle) or one of 3 more? Say so with `--synset \"my \
             dog=n02113624\"`"
        );
        assert_eq!(
            hint("xyzzy", &[], 0),
            "say which class it is by an English name or a synset, as in `--synset xyzzy=tabby`; one word such as `cat` lists the \
             classes that have it"
        );
    }

    #[test]
    fn a_note_ends_with_its_hint() {
        let full = Note::hinted("the cache is full", Hint::LargerCache);
        assert_eq!(note(&full), "the cache is full; --cache-size makes it larger");
    }
}
