//! An MPI library, loaded at run time. The only file with `unsafe`.
//!
//! Handles are addresses in Open MPI and in the standard ABI, and C `int`s in MPICH's. Every
//! function here takes them as `usize`. That is right for both kinds under the calling conventions
//! of Linux and macOS on x86-64 and arm64, and there alone is this file compiled: an integer
//! argument has a 64-bit register or a stack slot of its own, and who expects an `int` reads the
//! lower half.
//!
//! Errors within MPI end all processes: its default handler, `MPI_ERRORS_ARE_FATAL`, stays.

#![allow(unsafe_code)]

mod abi;

use std::error::Error;
use std::ffi::{c_char, c_int, c_void};
use std::{mem, ptr, thread};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

use self::abi::{Abi, Handle};
use crate::error::RanksError;
use crate::launcher::Launch;

/// `MPI_MAX_LIBRARY_VERSION_STRING`, the largest of the three ABIs: 8192 in MPICH 5.0.2 and in the
/// standard, 256 in Open MPI 5.0.11.
const VERSION_BYTES: usize = 8192;

/// Messages are cut, since their length is a C `int`. Larger pieces are no faster.
const BROADCAST_BYTES: usize = 16 << 20;

/// Signatures: MPI 5.0 in C, with handles as above.
#[derive(Debug)]
struct Functions {
    init_thread: unsafe extern "C" fn(
        argc: *mut c_int,
        argv: *mut *mut *mut c_char,
        required: c_int,
        provided: *mut c_int,
    ) -> c_int,
    get_library_version: unsafe extern "C" fn(version: *mut c_char, length: *mut c_int) -> c_int,
    comm_rank: unsafe extern "C" fn(comm: Handle, rank: *mut c_int) -> c_int,
    comm_size: unsafe extern "C" fn(comm: Handle, size: *mut c_int) -> c_int,
    barrier: unsafe extern "C" fn(comm: Handle) -> c_int,
    bcast: unsafe extern "C" fn(
        buffer: *mut c_void,
        count: c_int,
        datatype: Handle,
        root: c_int,
        comm: Handle,
    ) -> c_int,
    alltoall: Exchange,
    allgather: Exchange,
    abort: unsafe extern "C" fn(comm: Handle, code: c_int) -> c_int,
    finalize: unsafe extern "C" fn() -> c_int,
}

type Exchange = unsafe extern "C" fn(
    send: *const c_void,
    send_count: c_int,
    send_type: Handle,
    receive: *mut c_void,
    receive_count: c_int,
    receive_type: Handle,
    comm: Handle,
) -> c_int;

/// Values that travel as their bytes.
///
/// # Safety
///
/// Without padding, and valid with any bits.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: numbers have no padding, and any bits are a number.
unsafe impl Plain for f32 {}
// SAFETY: as above.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for u64 {}

/// A library that is initialised, until it is dropped.
#[derive(Debug)]
pub(crate) struct Mpi {
    functions: Functions,
    abi: Abi,
    /// File and version.
    library: String,
}

impl Mpi {
    /// Loads the library of a launcher, or `file`, and initialises it.
    pub fn start(launch: &Launch, file: Option<String>) -> Result<Self, RanksError> {
        let names = match file {
            Some(file) => vec![file],
            None => abi::libraries(launch.family).map(String::from).to_vec(),
        };
        let mut tried = Vec::new();
        for name in names {
            match load(&name) {
                Ok((functions, abi)) => return Self::initialise(functions, abi, &name),
                // The source is the linker's own message, which names file or symbol.
                Err(error) => {
                    let reason = error.source().map_or(error.to_string(), ToString::to_string);
                    tried.push(reason);
                }
            }
        }
        Err(RanksError::NoLibrary { launched: launch.said.clone(), tried })
    }

    fn initialise(functions: Functions, abi: Abi, name: &str) -> Result<Self, RanksError> {
        let mut provided = 0;
        // SAFETY: MPI 5.0 allows null for the arguments; `provided` lives during the call. No
        // other `Mpi` calls the library: a process joins once (a second start is MPI's error).
        let code = unsafe {
            let (argc, argv) = (ptr::null_mut(), ptr::null_mut());
            (functions.init_thread)(argc, argv, abi.serialized, &mut provided)
        };
        done("MPI_Init_thread", code)?;
        let mut mpi = Self { functions, abi, library: name.into() };
        mpi.library = format!("{name}: {}", mpi.version()?);
        if provided < abi.serialized {
            return Err(RanksError::Threads { library: mpi.library.clone() });
        }
        Ok(mpi)
    }

    /// The beginning of the library's own description: `MPICH Version: 5.0.2`, `Open MPI v5.0.11`.
    fn version(&self) -> Result<String, RanksError> {
        let (mut text, mut length) = (vec![0u8; VERSION_BYTES], 0);
        // SAFETY: the text has room for the longest version of any of the libraries.
        let code =
            unsafe { (self.functions.get_library_version)(text.as_mut_ptr().cast(), &mut length) };
        done("MPI_Get_library_version", code)?;
        let is_end = |byte: &u8| matches!(byte, 0 | b'\n' | b',');
        let end = text.iter().position(is_end).unwrap_or(VERSION_BYTES);
        let line = String::from_utf8_lossy(&text[..end]);
        Ok(line.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// File and version.
    pub fn library(&self) -> &str {
        &self.library
    }

    pub fn rank(&self) -> Result<usize, RanksError> {
        let mut rank = 0;
        // SAFETY: MPI is initialised; `rank` lives during the call.
        let code = unsafe { (self.functions.comm_rank)(self.abi.world, &mut rank) };
        done("MPI_Comm_rank", code)?;
        Ok(usize::try_from(rank).expect("a rank is not negative"))
    }

    pub fn size(&self) -> Result<usize, RanksError> {
        let mut size = 0;
        // SAFETY: MPI is initialised; `size` lives during the call.
        let code = unsafe { (self.functions.comm_size)(self.abi.world, &mut size) };
        done("MPI_Comm_size", code)?;
        Ok(usize::try_from(size).expect("a number of processes is not negative"))
    }

    pub fn barrier(&self) -> Result<(), RanksError> {
        // SAFETY: MPI is initialised.
        done("MPI_Barrier", unsafe { (self.functions.barrier)(self.abi.world) })
    }

    /// Copies the bytes of rank `root` to all. They are as many on every rank.
    pub fn broadcast(&self, bytes: &mut [u8], root: usize) -> Result<(), RanksError> {
        let root = c_int::try_from(root).expect("ranks are C ints");
        for piece in bytes.chunks_mut(BROADCAST_BYTES) {
            let (start, count) = (piece.as_mut_ptr().cast(), size_bytes(piece));
            // SAFETY: MPI is initialised and writes `count` bytes, the whole piece.
            let code = unsafe {
                (self.functions.bcast)(start, count, self.abi.byte, root, self.abi.world)
            };
            done("MPI_Bcast", code)?;
        }
        Ok(())
    }

    /// Sends slice r of `send` to rank r, and puts what rank r sends here into slice r of
    /// `receive`. All slices of all ranks have one length.
    pub fn all_to_all<T: Plain>(&self, send: &[T], receive: &mut [T]) -> Result<(), RanksError> {
        let size = self.size()?;
        assert!(send.len() == receive.len() && send.len().is_multiple_of(size), "equal slices");
        let count = size_bytes(&send[..send.len() / size]);
        // SAFETY: both hold `size` slices of `count` bytes, and do not overlap.
        unsafe { self.exchange("MPI_Alltoall", self.functions.alltoall, send, receive, count) }
    }

    /// Puts what rank r sends into slice r of `receive`. All ranks send as many values.
    pub fn all_gather<T: Plain>(&self, send: &[T], receive: &mut [T]) -> Result<(), RanksError> {
        assert_eq!(receive.len(), send.len() * self.size()?, "a slice for each rank");
        let count = size_bytes(send);
        // SAFETY: `send` has `count` bytes, `receive` as many for each rank; they do not overlap.
        unsafe { self.exchange("MPI_Allgather", self.functions.allgather, send, receive, count) }
    }

    /// # Safety
    ///
    /// `function` reads and writes no more than `send` and `receive` have with `count` bytes for
    /// each rank.
    unsafe fn exchange<T: Plain>(
        &self,
        name: &'static str,
        function: Exchange,
        send: &[T],
        receive: &mut [T],
        count: c_int,
    ) -> Result<(), RanksError> {
        let Abi { world, byte, .. } = self.abi;
        let (from, to) = (send.as_ptr().cast(), receive.as_mut_ptr().cast());
        // SAFETY: MPI is initialised; lengths are the caller's promise, and any bytes are a `T`.
        done(name, unsafe { function(from, count, byte, to, count, byte, world) })
    }

    /// Ends all processes. Returns only if MPI cannot.
    pub fn abort(&self, code: i32) {
        // SAFETY: MPI is initialised.
        unsafe { (self.functions.abort)(self.abi.world, code) };
    }
}

impl Drop for Mpi {
    fn drop(&mut self) {
        // Finalising waits for the other processes, which may wait for this one. A process that
        // ends without it makes the launcher end them all.
        if thread::panicking() {
            return;
        }
        // SAFETY: MPI is initialised, and nothing is called afterwards.
        unsafe { (self.functions.finalize)() };
    }
}

fn load(name: &str) -> Result<(Functions, Abi), libloading::Error> {
    // Open MPI before 5.0 loads plug-ins that look for its symbols among the global ones.
    // SAFETY: opening runs the library's own initialisers. It is the file of an MPI library by its
    // standard name, or the one that the user named.
    let library = unsafe { Library::open(Some(name), RTLD_NOW | RTLD_GLOBAL) }?;
    // SAFETY: the signatures are those of the MPI standard; for handles see the top of this file.
    let functions = unsafe {
        Functions {
            init_thread: *library.get("MPI_Init_thread")?,
            get_library_version: *library.get("MPI_Get_library_version")?,
            comm_rank: *library.get("MPI_Comm_rank")?,
            comm_size: *library.get("MPI_Comm_size")?,
            barrier: *library.get("MPI_Barrier")?,
            bcast: *library.get("MPI_Bcast")?,
            alltoall: *library.get("MPI_Alltoall")?,
            allgather: *library.get("MPI_Allgather")?,
            abort: *library.get("MPI_Abort")?,
            finalize: *library.get("MPI_Finalize")?,
        }
    };
    let abi = if is_standard(name, &library) {
        abi::STANDARD_ABI
    } else if let Some((world, byte)) = open_mpi_handles(&library) {
        abi::open_mpi_abi(world, byte)
    } else {
        abi::MPICH_ABI
    };
    // It stays loaded: its threads and exit handlers may outlive `MPI_Finalize`.
    mem::forget(library);
    Ok((functions, abi))
}

/// Whether a library has the standard ABI. It is asked first: under the standard ABI of Open MPI 6
/// lie the symbols of its own.
fn is_standard(name: &str, library: &Library) -> bool {
    type GetVersion = unsafe extern "C" fn(major: *mut c_int, minor: *mut c_int) -> c_int;
    // SAFETY: the signature is that of MPI 5.0.
    let function = unsafe { library.get::<GetVersion>("MPI_Abi_get_version") };
    // Libraries from before MPI 5.0 do not have the function.
    let Ok(get_version) = function else { return name.contains("libmpi_abi") };
    let (mut major, mut minor) = (-1, -1);
    // SAFETY: both numbers live during the call. It needs no initialisation: seen with MPICH 5.0.2.
    let code = unsafe { get_version(&mut major, &mut minor) };
    // A library with an ABI of its own answers -1: seen with MPICH 5.0.2, `libmpi.so.12`.
    code == 0 && major >= 0
}

/// `MPI_COMM_WORLD` and `MPI_BYTE` of Open MPI; `None` in another library.
fn open_mpi_handles(library: &Library) -> Option<(Handle, Handle)> {
    let address = |symbol| {
        // SAFETY: only the address is taken.
        let found = unsafe { library.get::<*mut c_void>(symbol) };
        found.ok().map(|symbol| symbol.as_raw_ptr() as Handle)
    };
    Some((address(abi::OPEN_MPI_WORLD)?, address(abi::OPEN_MPI_BYTE)?))
}

fn size_bytes<T>(values: &[T]) -> c_int {
    c_int::try_from(size_of_val(values)).expect("messages are cut into pieces of megabytes")
}

fn done(function: &'static str, code: c_int) -> Result<(), RanksError> {
    // `MPI_SUCCESS` is 0 in every ABI: MPI 5.0, "Error Codes and Classes".
    if code == 0 { Ok(()) } else { Err(RanksError::Call { function, code }) }
}
