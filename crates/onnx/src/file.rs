//! ONNX files on disk: reads them with size limits; writes them as one file, or as a graph with its
//! weights in a second file.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use kennel_core::{CoreError, files};
use prost::Message;

use crate::proto::{
    ElementType, LOCATION_EXTERNAL, ModelProto, StringStringEntryProto, TensorProto, ValueInfoProto,
};
use crate::{OnnxError, Result};

/// Limit of protocol buffers. The largest network of the zoo has 241 MB.
const MAX_FILE_BYTES: u64 = (2 << 30) - 1;
/// Alignment of each constant in a separate weights file, so that runtimes can map it into memory.
const ALIGNMENT: usize = 64;
/// Smaller constants (shapes, bounds) stay in the graph, as in PyTorch's exporter.
const MIN_EXTERNAL_BYTES: usize = 1024;
/// Metadata key that holds the SHA-256 of the weights file.
const WEIGHTS_KEY: &str = "external_data_sha256";
/// Digits of the SHA-256 in the name of the weights file.
const NAMED_DIGITS: usize = 8;

/// Reads a model.
///
/// # Errors
///
/// - [`OnnxError::NotOnnx`] when the file is something else
/// - [`OnnxError::Damaged`] when it ends too early
/// - [`OnnxError::WeightsMissing`] when its separate weights file is missing, too short, or not in
///   the same folder
/// - [`OnnxError::OtherWeights`] when the weights file is not the one that the graph was written
///   with
/// - [`CoreError::Io`] when a file cannot be read
pub fn read_model(path: &Path) -> Result<ModelProto> {
    let size = std::fs::metadata(path).map_err(CoreError::io("read", path))?.len();
    let not_onnx = |reason: String| OnnxError::NotOnnx { path: path.into(), reason };
    if size > MAX_FILE_BYTES {
        return Err(not_onnx(format!("it has {size} bytes, at most {MAX_FILE_BYTES} are read")));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(CoreError::io("read", path))?;
    // The metadata of a device report no size, so limit the bytes, too.
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(CoreError::io("read", path))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(not_onnx(format!("it has more than {MAX_FILE_BYTES} bytes")));
    }
    if bytes.is_empty() {
        return Err(not_onnx("it is empty".into()));
    }
    let begins = String::from_utf8_lossy(&bytes[..bytes.len().min(16)]).escape_debug().to_string();
    // Writers begin with the IR version (field 1, a number) or, in some cases, with the producer's
    // name (field 2).
    let looks_right = matches!(bytes[0], 0x08 | 0x12);
    let model = match ModelProto::decode(bytes.as_slice()) {
        Ok(model) => model,
        Err(_) if !looks_right => return Err(not_onnx(format!("it begins with \"{begins}\""))),
        Err(error) => {
            let reason = format!("{error}, in {size} bytes");
            return Err(OnnxError::Damaged { path: path.into(), reason });
        }
    };
    match &model.graph {
        Some(graph) if !graph.node.is_empty() => {}
        // Fields come in order and the graph is one of the last, so a file that ends before it may
        // be truncated.
        None if looks_right && model.ir_version > 0 => {
            let reason = format!("it ends after {size} bytes, before its graph");
            return Err(OnnxError::Damaged { path: path.into(), reason });
        }
        _ => return Err(not_onnx(format!("it begins with \"{begins}\" and holds no graph"))),
    }
    check_external(path, &model)?;
    Ok(model)
}

/// Checks that the weights file of every external constant is there and long enough, and that its
/// SHA-256 is the one in the metadata.
fn check_external(path: &Path, model: &ModelProto) -> Result<()> {
    for tensor in external(model) {
        let location = entry(tensor, "location").unwrap_or_default();
        let weights = path.with_file_name(location);
        let problem = |problem: String| {
            let weights = weights.clone();
            Err(OnnxError::WeightsMissing { path: path.into(), weights, problem })
        };
        let mut parts = Path::new(location).components();
        if location.is_empty() || !parts.all(|part| matches!(part, Component::Normal(_))) {
            return problem("not a file beside it".into());
        }
        let metadata = match std::fs::metadata(&weights) {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(_) => return problem("no file".into()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return problem("not there".into());
            }
            Err(error) => return Err(CoreError::io("read", weights)(error).into()),
        };
        let number = |key: &str| entry(tensor, key).and_then(|value| value.parse::<u64>().ok());
        let end = number("offset").unwrap_or(0).saturating_add(number("length").unwrap_or(0));
        if metadata.len() < end {
            return problem(format!(
                "too short: {} bytes, expected at least {end}",
                metadata.len()
            ));
        }
    }
    let Some(known) = model.metadata_props.iter().find(|entry| entry.key == WEIGHTS_KEY) else {
        // Written by another program, or by a release that did not store the SHA-256.
        return Ok(());
    };
    for weights in locations(path, model) {
        let found = files::sha256_file(&weights)?;
        if found != known.value {
            let expected = known.value.chars().take(found.len()).collect();
            return Err(OnnxError::OtherWeights { path: path.into(), weights, found, expected });
        }
    }
    Ok(())
}

/// Constants whose values are in a separate file.
fn external(model: &ModelProto) -> impl Iterator<Item = &TensorProto> {
    let constants = model.graph.iter().flat_map(|graph| &graph.initializer);
    constants.filter(|tensor| tensor.data_location == LOCATION_EXTERNAL)
}

fn entry<'a>(tensor: &'a TensorProto, key: &str) -> Option<&'a str> {
    tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
}

/// Paths of the weights files that a graph refers to.
fn locations(path: &Path, model: &ModelProto) -> BTreeSet<PathBuf> {
    external(model)
        .filter_map(|tensor| Some(path.with_file_name(entry(tensor, "location")?)))
        .collect()
}

/// Size in bytes of a model file and its weights files together.
///
/// # Errors
///
/// [`CoreError::Io`].
pub fn size_with_weights(path: &Path, model: &ModelProto) -> Result<u64> {
    std::iter::once(path.into()).chain(locations(path, model)).try_fold(0, |sum, file: PathBuf| {
        Ok(sum + std::fs::metadata(&file).map_err(CoreError::io("read", &file))?.len())
    })
}

/// Writes a model as one self-contained file, to a temporary file that is then renamed.
///
/// # Errors
///
/// [`CoreError::Io`].
pub fn write_model(path: &Path, model: &ModelProto) -> Result<()> {
    Ok(files::write_atomically(path, &model.encode_to_vec())?)
}

/// Writes a graph to `path` and its weights to a second file in the same folder. Returns the path
/// of the weights. Neither file works without the other.
///
/// The name of the weights file, `model.onnx.1a2b3c4d.data`, holds the first digits of its SHA-256,
/// and the metadata of the graph hold all of them. So a graph never loads the weights of another
/// export, older or newer.
///
/// # Errors
///
/// [`CoreError::Io`].
pub fn write_model_apart(path: &Path, model: &ModelProto) -> Result<PathBuf> {
    let mut model = model.clone();
    let mut data = Vec::new();
    let moved = |tensor: &&mut TensorProto| tensor.raw_data.len() >= MIN_EXTERNAL_BYTES;
    for tensor in model.graph.iter_mut().flat_map(|graph| &mut graph.initializer).filter(moved) {
        move_out(tensor, &mut data);
    }
    let sha256 = files::sha256_bytes(&data);
    let weights = beside(path, &format!(".{}.data", &sha256[..NAMED_DIGITS]));
    let location = weights.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for tensor in model.graph.iter_mut().flat_map(|graph| &mut graph.initializer) {
        if tensor.data_location == LOCATION_EXTERNAL {
            tensor.external_data.insert(0, property("location", location.clone()));
        }
    }
    model.metadata_props.push(property(WEIGHTS_KEY, sha256));
    files::write_atomically(&weights, &data)?;
    write_model(path, &model)?;
    Ok(weights)
}

/// Lists the weights files beside `path` that only the graph now at `path` can need: those that it
/// refers to, and those of [`write_model_apart`] for this name, which an interrupted export may
/// have left without their graph.
///
/// # Errors
///
/// [`CoreError::Io`] when the folder cannot be listed.
pub fn weights_beside(path: &Path) -> Result<BTreeSet<PathBuf>> {
    // The file at `path` need not be a valid model: the caller is about to replace it.
    let mut found =
        read_model(path).map_or_else(|_| BTreeSet::new(), |model| locations(path, &model));
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = files::folder_of(path);
    for entry in std::fs::read_dir(folder).map_err(CoreError::io("read", folder))? {
        let file = entry.map_err(CoreError::io("read", folder))?.file_name();
        let digits = file
            .to_str()
            .and_then(|file| file.strip_prefix(&name)?.strip_prefix('.')?.strip_suffix(".data"));
        let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        if digits.is_some_and(|digits| digits.len() == NAMED_DIGITS && digits.chars().all(is_digit))
        {
            found.insert(path.with_file_name(file));
        }
    }
    Ok(found)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(ending);
    path.with_file_name(name)
}

fn property(key: &str, value: String) -> StringStringEntryProto {
    StringStringEntryProto { key: key.into(), value }
}

fn move_out(tensor: &mut TensorProto, data: &mut Vec<u8>) {
    data.resize(data.len().next_multiple_of(ALIGNMENT), 0);
    let (offset, length) = (data.len(), tensor.raw_data.len());
    data.append(&mut tensor.raw_data);
    tensor.external_data =
        vec![property("offset", offset.to_string()), property("length", length.to_string())];
    tensor.data_location = LOCATION_EXTERNAL;
}

/// An input or output of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorInfo {
    /// Name of the tensor.
    pub name: String,
    /// Element type; `None` for a type that is not used here.
    pub element: Option<ElementType>,
    /// Extents; `None` for each that is not fixed.
    pub shape: Vec<Option<usize>>,
}

impl TensorInfo {
    fn of(info: &ValueInfoProto) -> Self {
        let tensor = info.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
        let dims =
            tensor.and_then(|tensor| tensor.shape.as_ref()).map(|shape| shape.dim.as_slice());
        let extent = |value: i64| usize::try_from(value).ok().filter(|extent| *extent > 0);
        TensorInfo {
            name: info.name.clone(),
            element: tensor.and_then(|tensor| ElementType::of(tensor.elem_type)),
            shape: dims
                .unwrap_or_default()
                .iter()
                .map(|dim| dim.dim_value.and_then(extent))
                .collect(),
        }
    }
}

impl std::fmt::Display for TensorInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shape: Vec<_> = self
            .shape
            .iter()
            .map(|extent| extent.map_or("?".into(), |extent| extent.to_string()))
            .collect();
        let element =
            self.element.map_or("unknown".into(), |element| format!("{element:?}").to_lowercase());
        write!(f, "{element}[{}]", shape.join(", "))
    }
}

/// Inputs of a graph, without the constants that files before IR version 4 list among them.
pub fn inputs(model: &ModelProto) -> Vec<TensorInfo> {
    let Some(graph) = &model.graph else { return Vec::new() };
    let is_constant = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
    graph.input.iter().filter(|info| !is_constant(&info.name)).map(TensorInfo::of).collect()
}

/// Outputs of a graph.
pub fn outputs(model: &ModelProto) -> Vec<TensorInfo> {
    model.graph.iter().flat_map(|graph| &graph.output).map(TensorInfo::of).collect()
}

#[cfg(test)]
mod tests {
    use kennel_core::{Hint, Hinted};

    use super::*;
    use crate::builder::{self, Extent, GraphBuilder};

    fn small() -> ModelProto {
        let mut graph = GraphBuilder::new("small");
        graph.input("input", ElementType::Float, &[Extent::Named("batch"), Extent::Fixed(600)]);
        let weights = graph.floats("weights", &[600], &[0.5; 600]);
        let sum = graph.node("Add", "output", &["input", &weights], []);
        graph.output(&sum, ElementType::Float, &[Extent::Named("batch"), Extent::Fixed(600)]);
        builder::model(graph.finish())
    }

    #[test]
    fn a_model_survives_the_round_trip_whole_and_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.onnx");
        write_model(&path, &small()).unwrap();
        assert_eq!(read_model(&path).unwrap(), small());
        assert_eq!(inputs(&small())[0].to_string(), "float[?, 600]");

        let weights = write_model_apart(&path, &small()).unwrap();
        let apart = read_model(&path).unwrap();
        assert_eq!(std::fs::read(&weights).unwrap().len(), 2400);
        assert!(apart.graph.unwrap().initializer[0].raw_data.is_empty());
        assert_eq!(weights_beside(&path).unwrap(), BTreeSet::from([weights]));
    }

    #[test]
    fn a_graph_knows_its_weights() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.onnx");
        let weights = write_model_apart(&path, &small()).unwrap();
        let mut bytes = std::fs::read(&weights).unwrap();
        // Same length as before, and every number is still finite.
        bytes[7] ^= 0x40;
        std::fs::write(&weights, bytes).unwrap();
        let error = read_model(&path).unwrap_err();
        assert!(error.to_string().contains(".data does not hold the weights of "), "{error}");
        assert!(matches!(error.hints()[..], [Hint::KeepTogether { .. }]), "{error:?}");

        // A file of an earlier release, or of another program, has no SHA-256 to compare with.
        let mut model = ModelProto::decode(std::fs::read(&path).unwrap().as_slice()).unwrap();
        model.metadata_props.retain(|entry| entry.key != WEIGHTS_KEY);
        write_model(&path, &model).unwrap();
        read_model(&path).unwrap();
    }

    #[test]
    fn what_is_no_whole_model_is_refused_by_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.onnx");
        let whole = small().encode_to_vec();
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read_model(&path).unwrap_err().to_string()
        };
        for length in [1, 2, 10, 30, whole.len() / 2, whole.len() - 1] {
            let said = refused(&whole[..length]);
            assert!(said.contains("truncated or damaged"), "{length}: {said}");
        }
        for other in [&b"\x89PNG\r\n\x1a\n"[..], b"", b"PK\x03\x04", b"not a model at all"] {
            assert!(refused(other).contains("is not an ONNX file"), "{other:?}");
        }
    }

    #[test]
    fn weights_that_lie_apart_are_named_when_they_are_gone_short_or_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.onnx");
        let weights = write_model_apart(&path, &small()).unwrap();
        std::fs::write(&weights, [0; 100]).unwrap();
        let said = read_model(&path).unwrap_err().to_string();
        assert!(
            said.contains(".data") && said.contains("100 bytes, expected at least 2400"),
            "{said}"
        );
        std::fs::remove_file(&weights).unwrap();
        let said = read_model(&path).unwrap_err().to_string();
        assert!(said.contains(".data, which is not there"), "{said}");

        let mut model = small();
        let tensor = &mut model.graph.as_mut().unwrap().initializer[0];
        move_out(tensor, &mut Vec::new());
        tensor.external_data.push(property("location", "../../etc/passwd".into()));
        write_model(&path, &model).unwrap();
        assert!(read_model(&path).unwrap_err().to_string().contains("not a file beside it"));
    }
}
