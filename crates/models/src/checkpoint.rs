//! Weights on disk: safetensors only, never pickle. A file's size is checked before it is read, or
//! its digest if it is a run's.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use kennel_core::{CoreError, RunDir, files, open_regular};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::{ModelError, Result, StateDict, TensorValue};

/// Largest file that is read. The zoo's largest network has 241 MB of weights, so a larger file
/// than this limit is not one of ours.
const MAX_FILE_BYTES: u64 = 4 << 30;
/// Prefixes that PyTorch's wrappers add to every name, in timm's order: `torch.compile` around
/// `DistributedDataParallel`, `DistributedDataParallel` itself, `torch.compile` within it.
///
/// Source: `clean_state_dict` of timm 1.0.31.
const WRAPPERS: [&str; 3] = ["_orig_mod.", "module.", "_orig_mod."];
/// safetensors' own limit of the header's size.
const MAX_HEADER_BYTES: u64 = 100_000_000;

/// The contents of a weights file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// Floating-point tensors as f32.
    pub tensors: StateDict,
    /// BatchNorm's step counters of PyTorch, if the file has them: full name to count.
    pub batches_tracked: BTreeMap<String, i64>,
    /// Other metadata in the header, by key, without `format`.
    pub metadata: BTreeMap<String, String>,
    /// SHA-256 of the file.
    pub sha256: String,
    /// The prefix that was removed from names: `module.`, `_orig_mod.` or both.
    pub wrapper: Option<String>,
}

impl Checkpoint {
    /// A note for the user about the file, if any.
    pub fn note(&self) -> Option<String> {
        let wrapper = self.wrapper.as_ref()?;
        Some(format!("names of the weights' tensors are read without their `{wrapper}`"))
    }
}

/// Reads a safetensors file. Widens f16 and bf16 to f32 and removes the prefixes of PyTorch's
/// wrappers from names. Checks a run's checkpoint against its digest.
///
/// # Errors
///
/// - [`ModelError::Pickle`] when the file is a pickle, by name or by contents
/// - [`ModelError::Malformed`] when the header is longer than the file or the format's limit, or
///   does not match the tensors; when the file is too large; when a tensor has another type or a
///   value that is not finite; when two tensors have one name
/// - [`CoreError::Damaged`] when it is a run's checkpoint and differs from what was written
/// - [`CoreError::Io`] when it cannot be read
pub fn read_checkpoint(path: &Path) -> Result<Checkpoint> {
    let bytes = match RunDir::of_checkpoint(path) {
        Some((run, file)) => run.read_file(&file)?,
        None => read_bounded(path)?,
    };
    let malformed = |reason: String| ModelError::Malformed { path: path.into(), reason };
    let parsed = SafeTensors::deserialize(&bytes).map_err(|error| malformed(error.to_string()))?;
    let (_, header) =
        SafeTensors::read_metadata(&bytes).map_err(|error| malformed(error.to_string()))?;
    let mut checkpoint =
        Checkpoint { sha256: files::sha256_bytes(&bytes), ..Checkpoint::default() };
    checkpoint.metadata =
        header.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
    checkpoint.metadata.remove("format");
    let mut tensors = parsed.tensors();
    // A fixed order, so that the same file always gives the same error.
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (stored, view) in tensors {
        let (wrapper, name) = unwrapped(&stored);
        if !wrapper.is_empty() {
            checkpoint.wrapper.get_or_insert(wrapper);
        }
        if checkpoint.tensors.contains_key(name) || checkpoint.batches_tracked.contains_key(name) {
            return Err(malformed(format!("tensor `{name}` is there twice, once as `{stored}`")));
        }
        let name = name.to_string();
        let data = match view.dtype() {
            Dtype::F32 => words(view.data(), f32::from_le_bytes),
            Dtype::F16 => words(view.data(), |bits| half::f16::from_le_bytes(bits).to_f32()),
            Dtype::BF16 => words(view.data(), |bits| half::bf16::from_le_bytes(bits).to_f32()),
            Dtype::I64 if view.shape().is_empty() => {
                let count = words(view.data(), i64::from_le_bytes)[0];
                checkpoint.batches_tracked.insert(name, count);
                continue;
            }
            other => {
                return Err(malformed(format!(
                    "tensor `{name}` is {other:?}, expected F32, F16 or BF16"
                )));
            }
        };
        if let Some(value) = data.iter().find(|value: &&f32| !value.is_finite()) {
            return Err(malformed(format!("tensor `{name}` holds {value}")));
        }
        checkpoint.tensors.insert(name, TensorValue { shape: view.shape().to_vec(), data });
    }
    Ok(checkpoint)
}

/// Splits a stored name into the wrappers' prefix and the name.
fn unwrapped(stored: &str) -> (String, &str) {
    let mut name = stored;
    for wrapper in WRAPPERS {
        name = name.strip_prefix(wrapper).unwrap_or(name);
    }
    (stored[..stored.len() - name.len()].into(), name)
}

/// Writes a safetensors file through a temporary file. The same contents give the same bytes.
/// `note` is one key and value for the header.
///
/// # Errors
///
/// [`CoreError::Io`].
pub fn write_checkpoint(
    path: &Path,
    tensors: &StateDict,
    batches_tracked: &BTreeMap<String, i64>,
    note: Option<(&str, String)>,
) -> Result<()> {
    let floats: Vec<(&str, &[usize], Vec<u8>)> = tensors
        .iter()
        .map(|(name, value)| {
            let bytes = value.data.iter().flat_map(|x| x.to_le_bytes()).collect();
            (name.as_str(), value.shape.as_slice(), bytes)
        })
        .collect();
    let counts: Vec<(&str, [u8; 8])> =
        batches_tracked.iter().map(|(name, count)| (name.as_str(), count.to_le_bytes())).collect();
    let malformed = |error: safetensors::SafeTensorError| ModelError::Malformed {
        path: path.into(),
        reason: error.to_string(),
    };
    let mut views = Vec::with_capacity(floats.len() + counts.len());
    for (name, shape, bytes) in &floats {
        views.push((*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).map_err(malformed)?));
    }
    for (name, bytes) in &counts {
        views.push((*name, TensorView::new(Dtype::I64, Vec::new(), bytes).map_err(malformed)?));
    }
    // Only one key: the header's map has no fixed order, and the bytes must be reproducible.
    let (key, value) = note.unwrap_or(("format", "pt".into()));
    let metadata = HashMap::from([(key.to_string(), value)]);
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(malformed)?;
    Ok(files::write_atomically(path, &bytes)?)
}

fn words<const N: usize, T>(bytes: &[u8], from: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|word| from(*word)).collect()
}

/// Checks a file's first bytes and size, then reads it.
fn read_bounded(path: &Path) -> Result<Vec<u8>> {
    let name = path.to_string_lossy().to_lowercase();
    if [".pth", ".pt", ".bin", ".ckpt", ".pkl", ".pickle", ".tar"]
        .iter()
        .any(|end| name.ends_with(end))
    {
        return Err(ModelError::Pickle { path: path.into() });
    }
    let mut file = open_regular(path)?;
    let size = file.metadata().map_err(CoreError::io("read", path))?.len();
    let mut start = Vec::new();
    file.by_ref().take(8).read_to_end(&mut start).map_err(CoreError::io("read", path))?;
    // A zip archive (PyTorch since 1.6), or the first bytes of a pickle of protocol 2 or 4.
    if start.starts_with(b"PK\x03\x04")
        || start.starts_with(&[0x80, 2])
        || start.starts_with(&[0x80, 4])
    {
        return Err(ModelError::Pickle { path: path.into() });
    }
    let malformed = |reason: String| Err(ModelError::Malformed { path: path.into(), reason });
    let Ok(header) = <[u8; 8]>::try_from(start.as_slice()) else {
        return malformed(format!("it has {size} bytes, too few for a header"));
    };
    let header = u64::from_le_bytes(header);
    if header > MAX_HEADER_BYTES || header > size - 8 {
        return malformed(format!("its header claims {header} bytes, the file has {size}"));
    }
    if size > MAX_FILE_BYTES {
        return malformed(format!("it has {size} bytes, at most {MAX_FILE_BYTES} are read"));
    }
    file.seek(SeekFrom::Start(0)).map_err(CoreError::io("read", path))?;
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(size).read_to_end(&mut bytes).map_err(CoreError::io("read", path))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(bytes: &[u8], name: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (dir, path)
    }

    #[test]
    fn a_header_that_claims_2_to_the_60_bytes_is_refused_without_allocating_it() {
        let mut bytes = (1_u64 << 60).to_le_bytes().to_vec();
        bytes.extend(b"{}");
        let (_dir, path) = write(&bytes, "model.safetensors");
        let error = read_checkpoint(&path).unwrap_err().to_string();
        assert!(error.contains("claims 1152921504606846976 bytes, the file has 10"), "{error}");
    }

    #[test]
    fn a_pickle_is_refused_by_name_and_by_contents() {
        for (bytes, name) in [
            (&b"anything"[..], "model.pth"),
            (b"PK\x03\x04....", "model.safetensors"),
            (b"\x80\x02}q\x00.....", "model.safetensors"),
        ] {
            let (_dir, path) = write(bytes, name);
            assert!(matches!(read_checkpoint(&path), Err(ModelError::Pickle { .. })), "{name}");
        }
    }

    #[test]
    fn names_lose_what_wrappers_of_pytorch_put_before_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.safetensors");
        let value = TensorValue { shape: vec![2], data: vec![1.5; 2] };
        let read = |names: &[&str]| {
            let tensors = names.iter().map(|name| (name.to_string(), value.clone())).collect();
            let counts =
                BTreeMap::from([(names[0].replace("fc.bias", "bn1.num_batches_tracked"), 7)]);
            write_checkpoint(&path, &tensors, &counts, None).unwrap();
            read_checkpoint(&path)
        };
        for wrapper in ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."] {
            let found =
                read(&[&format!("{wrapper}fc.bias"), &format!("{wrapper}fc.weight")]).unwrap();
            assert_eq!(found.tensors.keys().collect::<Vec<_>>(), ["fc.bias", "fc.weight"]);
            assert!(found.batches_tracked.contains_key("bn1.num_batches_tracked"));
            assert!(found.note().unwrap().contains(&format!("`{wrapper}`")));
        }
        assert_eq!(read(&["fc.bias"]).unwrap().note(), None);
        // Only one prefix of each kind is a wrapper's; the rest is part of the name, as in timm.
        let twice = read(&["module.module.fc.bias"]).unwrap();
        assert!(twice.tensors.contains_key("module.fc.bias"));
        let said = read(&["fc.bias", "module.fc.bias"]).unwrap_err().to_string();
        assert!(
            said.contains("tensor `fc.bias` is there twice, once as `module.fc.bias`"),
            "{said}"
        );
    }

    #[test]
    fn a_truncated_file_is_an_error_and_not_a_panic() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.safetensors");
        let tensors = StateDict::from([(
            "fc.weight".into(),
            TensorValue { shape: vec![2, 3], data: vec![1.5; 6] },
        )]);
        let counts = BTreeMap::from([("bn1.num_batches_tracked".to_string(), 7)]);
        write_checkpoint(&path, &tensors, &counts, None).unwrap();
        let read = read_checkpoint(&path).unwrap();
        assert_eq!((read.tensors, read.batches_tracked), (tensors, counts));
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 1, 8, 20, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(
                matches!(read_checkpoint(&path), Err(ModelError::Malformed { .. })),
                "{length} bytes"
            );
        }
    }
}
