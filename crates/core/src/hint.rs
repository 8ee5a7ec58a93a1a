//! Typed hints: what may help after an error. A program words them for its own users; the library
//! names no flag and no command.

use std::error::Error;
use std::path::PathBuf;

/// What may help. It holds data for the program that words it. A match over it needs an arm for
/// every hint, so the compiler asks for the words of a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    // Names.
    /// A known name that is close to the given one.
    DidYouMean(String),
    /// List the architectures.
    ListModels,
    /// The known weights of an architecture.
    KnownWeights {
        /// The architecture.
        model: String,
        /// Their tags.
        tags: Vec<String>,
    },
    /// The stages of a network, any of which may be trained.
    Stages(Vec<String>),
    /// Some layers of a network.
    Layers(Vec<String>),
    /// A valid example of a name.
    Example(&'static str),
    /// Map a class to one of ImageNet's: the synsets and names it may mean, and how many more.
    Synset {
        /// The class of the data set.
        class: String,
        /// Synset and name of each class that it may mean.
        candidates: Vec<(&'static str, &'static str)>,
        /// How many others it may mean.
        more: usize,
    },
    /// Two classes match one of ImageNet's: map this one to another, or merge them.
    TellApart {
        /// The class of the data set.
        class: String,
    },

    // The file system.
    /// The place is read-only: write elsewhere.
    OtherPlace,
    /// A file stands where a folder should be.
    FileInTheWay,
    /// The system limits the size of files.
    FileSizeLimit,
    /// The disk is full.
    MakeRoom,
    /// Give another name, or move away what is there.
    OtherName,
    /// Move a damaged file away: it is written anew.
    MoveAway,

    // Runs.
    /// Restore a changed file of a run, or train the run again; `sums` lists the digests.
    RestoreOrTrain {
        /// The list of digests.
        sums: PathBuf,
    },
    /// Restore the list of digests; without it, nothing is checked.
    RestoreSums,
    /// The given path is a run; this is the folder of runs that it lies in.
    FolderOfRuns(PathBuf),
    /// Resume a run.
    Resume {
        /// The run.
        run: PathBuf,
    },
    /// Predictions were edited or cut: train the run again.
    TrainAgain,
    /// Train from the configuration of a run, since it cannot be resumed. With `early_stopping`,
    /// that many epochs of patience are needed to go on.
    BeginAnew {
        /// The run.
        run: PathBuf,
        /// Epochs of patience, if the run ran out of it.
        early_stopping: Option<usize>,
    },
    /// Restore the photos that a run began with, in `data`, or begin anew.
    RestorePhotos {
        /// The run.
        run: PathBuf,
        /// Its data set.
        data: String,
        /// How they were divided, if Kennel prepared the folder.
        division: Option<Box<Division>>,
    },
    /// Wait for the other process, or stop it.
    WaitOrStop,
    /// Train a run: of one architecture and strategy, or any.
    Train {
        /// The architecture.
        model: Option<String>,
        /// The strategy.
        strategy: Option<&'static str>,
    },
    /// The folder of runs does not exist.
    NoRunsFolder,
    /// The folder of runs does not exist: name another, or train a run.
    NoRunsFolderOrTrain {
        /// The architecture.
        model: String,
        /// The strategy.
        strategy: Option<&'static str>,
    },
    /// A finished run can be trained further.
    MoreEpochs,
    /// Average the probabilities of runs whose weights cannot be averaged.
    AverageProbabilities,
    /// Average runs that were trained on one division of the same photos.
    RunsOfOneDivision,
    /// Say where the photos of the runs lie now.
    PhotosMoved,
    /// Give the run that a file was exported from.
    OfRun,

    // Servers.
    /// Listen on another port.
    OtherPort,

    // Settings.
    /// The choice in a section (`optimizer`, `scheduler`) is given by a key `name`.
    ChoiceByName {
        /// The section.
        section: String,
        /// The choice.
        name: String,
    },
    /// Leave a key out that the choice in its section does not have, or choose another.
    OtherChoice {
        /// The section.
        section: &'static str,
        /// The key.
        key: &'static str,
    },
    /// Score an untouched head, or train a new one.
    ScoreOrTrain,

    // Photos.
    /// Fetch a photo from its address and pipe it in.
    PipeIn,
    /// Give a folder of class folders, or a tar of Stanford Dogs.
    ClassFoldersOrTar,
    /// Prepare photos first, or name another data set.
    Prepare,
    /// The data set that was meant, and how many others lie beside it.
    OtherData {
        /// The folder.
        folder: PathBuf,
        /// How many others lie beside it.
        others: usize,
    },
    /// Prepare this archive, and use what that writes.
    PrepareArchive(PathBuf),
    /// Give the folder that the class folders lie in.
    FolderOfClasses,
    /// Choose which of two folders, relative to the source, holds the classes.
    ChooseReading {
        /// The source.
        source: PathBuf,
        /// Where the classes are, relative to the source.
        classes_are: [String; 2],
    },
    /// Put the photos in `folder` into one folder per class, or say that the classes are the
    /// folders in `classes_are`; both are relative to the source.
    FolderPerClass {
        /// The source.
        source: PathBuf,
        /// The folder.
        folder: String,
        /// Where the classes are, relative to the source.
        classes_are: String,
    },
    /// How to name a folder of classes.
    ClassesAre,
    /// Rename a folder.
    Rename,
    /// Add a training part to a divided source, or give one part alone.
    AddTrainingPart {
        /// The source.
        source: PathBuf,
    },
    /// The expected folders. `above`: the folder above may be the one that was meant.
    ExpectedFolders {
        /// The source.
        source: PathBuf,
        /// Whether the folder above may be meant.
        above: bool,
    },
    /// The folder may be that of a single class.
    OneFolderPerClass {
        /// The source.
        source: PathBuf,
    },
    /// The classes may be the `count` folders in `folder`; `packed`: it lies in an archive.
    ClassesInside {
        /// The folder.
        folder: PathBuf,
        /// How many folders.
        count: usize,
        /// Whether it lies in an archive.
        packed: bool,
    },
    /// This class differs in capitals or spaces only.
    SameClass(String),
    /// Add photos of a class, or take it out. `divided`: the source divides its photos.
    MorePhotos {
        /// Whether the source divides its photos.
        divided: bool,
    },
    /// Add photos, or divide them with other shares.
    OtherFractions,
    /// Which shares divide a data set.
    ValidFractions,
    /// How photos can be grouped.
    GroupBy,
    /// How many folds divide a data set; `most` is what its smallest class allows.
    Folds {
        /// Groups of photos in the smallest class.
        most: Option<usize>,
    },
    /// What Stanford Dogs is read from.
    StanfordDogs,
    /// Unpack an archive by hand where that is safe.
    UnpackSafely,
    /// Give a folder, or unpack another kind of archive first.
    FolderOrTar,
    /// Choose another output folder; [`Output`] is what is wrong with this one.
    OtherOutput(Output),
    /// Repeat the command once the data set is prepared.
    WaitForPrepare,
    /// Prepare the photos again.
    PrepareAgain(Stale),
    /// Bring a folder back, or name another that has the photos.
    BringBack,
    /// Sort photos into a folder outside of theirs.
    SortElsewhere,
    /// Copy photos instead of linking them.
    CopyInstead,
    /// Let decoding take more memory.
    MoreMemory,
    /// Take the photos of every split.
    EverySplit,
    /// Evaluate the photos of every split.
    JudgeEverySplit,
    /// Use a data set without this class, or train a run that knows it.
    OtherClass(String),
    /// Where the run's own validation photos lie now. `seed` is that of their split if Kennel
    /// divided them.
    RunsPhotos {
        /// Seed of the split, if Kennel divided the photos.
        seed: Option<u64>,
    },

    // Weights and training.
    /// Give weights by path, or put them into the cache of the hub.
    GiveWeights {
        /// Their name.
        name: String,
    },
    /// What can be given as weights, with an example.
    KindsOfWeights {
        /// A name of weights.
        example: String,
    },
    /// Convert a pickle to safetensors.
    ConvertPickle,
    /// Choose the architecture of the weights.
    UseModel(String),
    /// Train a new classifier on weights that have none.
    TrainHead {
        /// The architecture.
        model: String,
        /// The weights.
        weights: PathBuf,
    },
    /// An untouched pretrained head is used by model and weights.
    UntouchedHead {
        /// The architecture.
        model: String,
        /// The weights.
        weights: String,
    },
    /// Train the same run again, since its weights were removed.
    TrainSame {
        /// The run.
        run: PathBuf,
    },
    /// Resume a run that has no checkpoint yet.
    ResumeForWeights {
        /// The run.
        run: PathBuf,
    },
    /// An ONNX file holds no weights to train on.
    UseOnnx,
    /// Take other weights: these give values that are not finite.
    OtherWeights,
    /// Train the head too; the value lists all parts to train.
    TrainPartsToo(String),
    /// Give every class a weight.
    WeightPerClass,
    /// Train with smaller steps.
    SmallerSteps,
    /// Train again with a lower learning rate.
    LowerRate,
    /// Give the cache more room.
    LargerCache,
    /// Deal the experiments to processes by their numbers.
    ShareByShards,
    /// Cut a batch into at least so many shards.
    MoreShards(usize),
    /// Start one process; several can share the trainings of a study.
    OneProcess,
    /// Build with this feature, or compute on the CPU.
    BuildWith(&'static str),
    /// Check the driver of the device, or compute on the CPU.
    CheckDriver,

    // Exported files.
    /// Keep a graph and its weights together. `inside`: or export them as one file.
    KeepTogether {
        /// Whether one file with both would help.
        inside: bool,
    },
    /// Describe a file whose metadata do not.
    Describe(Vec<Missing>),
    /// Install ONNX Runtime and name its library in this variable.
    InstallRuntime {
        /// The environment variable.
        variable: &'static str,
    },
    /// Give a slow machine more time for each photo.
    MoreTime,
    /// Keep these layers in floats, or allow a larger loss.
    AllowLoss {
        /// The layers that hurt most.
        layers: Vec<String>,
    },
    /// Report a bug.
    ReportBug,

    // Downloads.
    /// The same call resumes.
    SameAgain,
    /// Fetch it on another machine and copy it into this folder.
    CopyFrom(PathBuf),
    /// Fetch this address by other means; `unpack`: then unpack it.
    FetchOtherwise {
        /// The address.
        url: String,
        /// Whether to unpack it.
        unpack: bool,
    },
    /// How to get access.
    Access(Access),
    /// Check the connection and the proxy; the same call resumes.
    CheckConnection,
    /// Check the address.
    CheckAddress,
    /// Check the address, which may be that of a mirror.
    CheckMirror,
    /// The file was replaced, or the server is at fault.
    Replaced,
    /// Try again; the file may be changed on the way.
    TryAgain,
    /// Try again later.
    TryLater,
    /// The address should be that of an uncompressed tar.
    PlainTar {
        /// The address.
        url: String,
    },
    /// Check that this is the address of a hub.
    CheckHub {
        /// The address of the hub.
        endpoint: String,
    },
    /// Name a folder for downloaded weights.
    NameCache,
    /// Move a folder away and fetch it again.
    FetchAgain,
}

/// How photos were divided, as their manifest records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Division {
    /// Seed of the split.
    pub seed: u64,
    /// How the photos were grouped, if they were.
    pub grouped_by: Option<String>,
}

/// Why an output folder cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// It holds a file that would be lost.
    HoldsFile,
    /// It is somebody's own.
    NotOurs,
    /// Another process writes it.
    InUse,
    /// Another process reads it.
    BeingRead,
    /// It overlaps the source.
    InSource,
}

/// Why photos must be prepared again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// Photos are missing from the folder.
    Incomplete,
    /// The manifest is wrong.
    Manifest,
    /// A photo is gone.
    Gone,
    /// A photo changed since it was prepared.
    Changed,
    /// A photo changed while it was being prepared.
    ChangedMeanwhile,
    /// The folder holds files that its manifest does not list.
    Unlisted,
}

/// What the metadata of a model do not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Names of the classes.
    ClassNames,
    /// Side of the input.
    Side,
    /// Share of the photo that is cropped.
    CropPct,
    /// Resampling filter.
    Interpolation,
    /// Mean of the channels.
    Mean,
    /// Standard deviation of the channels.
    Std,
}

/// How to get access to a file that a server refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Check the token.
    CheckToken,
    /// Accept the conditions of the repository.
    AcceptConditions,
    /// Set a token.
    SetToken,
    /// Check the name, or set a token.
    CheckName,
    /// Check the address.
    CheckAddress,
}

/// An error with hints.
pub trait Hinted: Error {
    /// Returns the hints, the most useful first.
    fn hints(&self) -> Vec<Hint> {
        Vec::new()
    }
}

/// A message for the user that is no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The message.
    pub text: String,
    /// What may be done about it.
    pub hint: Option<Hint>,
}

impl Note {
    /// A note with a hint.
    pub fn hinted(text: impl Into<String>, hint: Hint) -> Self {
        Note { text: text.into(), hint: Some(hint) }
    }
}

impl From<String> for Note {
    fn from(text: String) -> Self {
        Note { text, hint: None }
    }
}

impl From<&str> for Note {
    fn from(text: &str) -> Self {
        text.to_string().into()
    }
}

/// Words an error with its hints. A library that stores or shows the text of an error takes one
/// from the program.
pub type Describe<'a> = &'a dyn Fn(&dyn Hinted) -> String;
