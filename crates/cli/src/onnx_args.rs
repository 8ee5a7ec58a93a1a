//! Flags about ONNX files: the runtime, and descriptions for files that lack one.

use std::path::Path;

use clap::{Args, ValueEnum};
use kennel_core::{Hint, Interpolation, RunDir};
use kennel_onnx::{Classifier, Description, OnnxError, RuntimeKind, Takes};

use crate::failure::Failure;
use crate::hints::{worded, words};
use crate::nearby::hint_nearby;
use crate::onnx_worker::TimeLimit;
use crate::session::Session;

#[derive(Args, Clone)]
pub struct OnnxArgs {
    /// Runtime; auto takes rten, or ONNX Runtime for a file that rten refuses
    #[arg(long, value_enum, default_value_t, requires = "onnx", help_heading = "ONNX file")]
    runtime: Runtime,
    /// Names of the classes in the order of the outputs, or a file with one name a line
    #[arg(long, value_name = "NAME,...|FILE", requires = "onnx", help_heading = "ONNX file")]
    classes: Option<String>,
    /// Side of the network's input in pixels
    #[arg(long, value_name = "PIXELS", requires = "onnx", help_heading = "ONNX file")]
    side: Option<u32>,
    /// That side as a share of the resized side
    #[arg(long, value_name = "SHARE", requires = "onnx", help_heading = "ONNX file")]
    crop_pct: Option<f64>,
    /// Photos that are not square: center resizes the short side, squash both, border the long one
    /// [default: center]
    #[arg(long, value_name = "MODE", requires = "onnx", help_heading = "ONNX file")]
    crop_mode: Option<String>,
    /// Filter of the resize: bicubic or bilinear
    #[arg(long, value_enum, requires = "onnx", help_heading = "ONNX file")]
    interpolation: Option<Filter>,
    /// Mean of red, green and blue to subtract (white is 1)
    #[arg(
        long,
        value_name = "R,G,B",
        value_delimiter = ',',
        requires = "onnx",
        help_heading = "ONNX file"
    )]
    mean: Vec<f32>,
    /// Standard deviation of red, green and blue to divide by
    #[arg(
        long,
        value_name = "R,G,B",
        value_delimiter = ',',
        requires = "onnx",
        help_heading = "ONNX file"
    )]
    std: Vec<f32>,
    /// Temperature of the softmax
    #[arg(long, value_name = "T", requires = "onnx", help_heading = "ONNX file")]
    temperature: Option<f64>,
    #[command(flatten)]
    time_limit: TimeLimit,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Runtime {
    #[default]
    Auto,
    Rten,
    Onnxruntime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Filter {
    Bilinear,
    Bicubic,
}

impl OnnxArgs {
    /// Opens a file for up to `photos` photos at once.
    pub fn open(
        &self,
        path: &Path,
        photos: usize,
        session: &Session,
    ) -> Result<Classifier, Failure> {
        let shown = path.display();
        if path.is_dir() {
            let hint = match RunDir::open(path) {
                Ok(_) => format!(
                    "a run is given with --run; `kennel export --run {shown}` writes its file"
                ),
                Err(_) => "the .onnx file in it".into(),
            };
            return Err(Failure::Usage(format!(
                "--onnx {shown}: expected a file, found a folder\nhint: {hint}"
            )));
        }
        let is_photo = |ending: &std::ffi::OsStr| {
            ["jpg", "jpeg", "png", "webp"].iter().any(|photo| ending.eq_ignore_ascii_case(photo))
        };
        if path.extension().is_some_and(is_photo) {
            return Err(Failure::Usage(format!(
                "--onnx {shown}: expected an ONNX file, found a photo\nhint: kennel predict \
                 {shown} --onnx FILE"
            )));
        }
        if !path.exists() {
            let hint =
                hint_nearby(path).unwrap_or_else(|| "\nhint: `kennel export` writes one".into());
            return Err(Failure::Failed(format!("there is no {shown}{hint}")));
        }
        let given = self.description()?;
        let apart = self.time_limit.apart(photos)?;
        let in_runtime = |runtime| Classifier::open_apart(path, runtime, given.clone(), &apart);
        let opened = match self.runtime {
            Runtime::Rten => in_runtime(RuntimeKind::Rten),
            Runtime::Onnxruntime => in_runtime(RuntimeKind::OnnxRuntime),
            Runtime::Auto => match in_runtime(RuntimeKind::Rten) {
                Err(refused @ OnnxError::Runtime { .. }) => {
                    match in_runtime(RuntimeKind::OnnxRuntime) {
                        Ok(classifier) => {
                            say!(session, "note: {}; ONNX Runtime runs it", worded(&refused));
                            Ok(classifier)
                        }
                        Err(OnnxError::NoRuntime { variable, .. }) => {
                            let install = words(&Hint::InstallRuntime { variable });
                            return Err(Failure::Failed(format!(
                                "{}\nhint: ONNX Runtime may: {install}",
                                worded(&refused)
                            )));
                        }
                        Err(error) => {
                            return Err(Failure::Failed(format!(
                                "{}\n{}",
                                worded(&refused),
                                worded(&error)
                            )));
                        }
                    }
                }
                opened => opened,
            },
        };
        let classifier = opened?;
        let preparation = Description { class_names: None, ..given };
        if classifier.takes() == Takes::Photo && preparation != Description::default() {
            return Err(Failure::Usage(
                "the file prepares photos and weighs logits itself: of the flags about it only \
                 --classes has a meaning"
                    .into(),
            ));
        }
        Ok(classifier)
    }

    fn description(&self) -> Result<Description, Failure> {
        let class_names = match &self.classes {
            None => None,
            Some(file) if Path::new(file).is_file() => {
                let text = kennel_core::files::read_text(Path::new(file))?;
                let text = text.trim_start_matches('\u{feff}');
                Some(
                    text.lines()
                        .map(str::trim)
                        .filter(|name| !name.is_empty())
                        .map(String::from)
                        .collect(),
                )
            }
            Some(file) if file.contains(['/', '\\']) || file.ends_with(".txt") => {
                return Err(Failure::Usage(format!("--classes {file}: there is no such file")));
            }
            Some(names) => Some(names.split(',').map(|name| name.trim().to_string()).collect()),
        };
        let description = Description {
            class_names,
            side_px: self.side,
            crop_pct: self.crop_pct,
            crop_mode: self.crop_mode.as_deref().map(str::parse).transpose()?,
            interpolation: self.interpolation.map(|filter| match filter {
                Filter::Bilinear => Interpolation::Bilinear,
                Filter::Bicubic => Interpolation::Bicubic,
            }),
            mean: three("--mean", &self.mean)?,
            std: three("--std", &self.std)?,
            temperature: self.temperature,
        };
        match description.problem() {
            None => Ok(description),
            Some((key, found, expected)) => {
                let flag = match key {
                    "class_names" => "--classes",
                    "side_px" => "--side",
                    "crop_pct" => "--crop-pct",
                    "mean" => "--mean",
                    "std" => "--std",
                    _ => "--temperature",
                };
                Err(Failure::Usage(format!("{flag} {found}: expected {expected}")))
            }
        }
    }
}

fn three(flag: &str, values: &[f32]) -> Result<Option<[f32; 3]>, Failure> {
    match values {
        [] => Ok(None),
        values => match <[f32; 3]>::try_from(values) {
            Ok(values) => Ok(Some(values)),
            Err(_) => Err(Failure::Usage(format!(
                "{flag}: {} numbers, expected red, green and blue",
                values.len()
            ))),
        },
    }
}
