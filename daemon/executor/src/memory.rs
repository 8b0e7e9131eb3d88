//! Linear memory that can be put back to where it started.
//!
//! A new instance of the guest costs more than most programs do: its tables are filled again, and every page it
//! writes is first faulted in. So an instance that has finished its job cleanly is not thrown away: each page of its
//! memory that the job may have written is copied back from the image of the start state. Which pages those are is
//! known to the kernel: the memory is a private mapping of the image, and a page that was written is no longer a
//! page of the image's file (`/proc/self/pagemap`). Pages stay resident, so the next job need not fault them in; those
//! of earlier jobs are copied back as well, until there are too many and all are given back to the kernel.
//!
//! Where the kernel lacks the means, [`supported`] says no and every job gets a new instance.

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};
use std::cell::RefCell;
use std::ffi::c_void;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

/// Written pages up to which they are kept and copied back; beyond, all are given back to the kernel.
const RESIDENT_PAGES: usize = 1_024;

thread_local! {
    /// Memories made by the instantiation that runs on this thread.
    static MADE: RefCell<Vec<Arc<Region>>> = const { RefCell::new(Vec::new()) };
}

/// A reservation of address space that holds one linear memory.
pub(crate) struct Region {
    base: usize,
    reserved: usize,
    /// Bytes that are accessible, from the base on.
    size: AtomicUsize,
}

impl Region {
    fn reserve(reserved: usize) -> std::io::Result<Self> {
        // SAFETY: a new mapping at an address of the kernel's choice touches no other.
        let base = unsafe {
            rustix::mm::mmap_anonymous(
                null_mut(),
                reserved,
                ProtFlags::empty(),
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            )
        }?;
        Ok(Self { base: base as usize, reserved, size: AtomicUsize::new(0) })
    }

    fn pointer(&self) -> *mut c_void {
        self.base as *mut c_void
    }

    /// Bytes that are accessible.
    pub(crate) fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }

    fn grow_to(&self, size: usize) -> std::io::Result<()> {
        if size > self.reserved {
            return Err(std::io::Error::from(std::io::ErrorKind::OutOfMemory));
        }
        // SAFETY: the range lies inside this region's own mapping, which lives as long as `self`.
        unsafe { rustix::mm::mprotect(self.pointer(), size, MprotectFlags::READ | MprotectFlags::WRITE) }?;
        self.size.store(size, Ordering::Relaxed);
        Ok(())
    }

    /// The content. No guest may be running in it.
    fn bytes(&self) -> &[u8] {
        // SAFETY: `size` bytes from the base on are readable, and nothing writes while no guest runs.
        unsafe { std::slice::from_raw_parts(self.pointer().cast::<u8>(), self.size()) }
    }

    /// Replaces the content, which must equal the image, by a private mapping of the image. After an error nothing of the
    /// memory can be accessed any more.
    pub(crate) fn adopt(&self, image: &Image) -> std::io::Result<()> {
        if self.size() != image.len {
            return Err(std::io::Error::other("a start state of another size"));
        }
        // SAFETY: the range lies inside this region's own mapping, and no guest runs in it.
        let mapped = unsafe {
            rustix::mm::mmap(
                self.pointer(),
                image.len,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::FIXED,
                &image.file,
                0,
            )
        };
        if mapped.is_err() {
            // A kernel may have unmapped the range before it failed: close the hole before anything else lands in it.
            // SAFETY: as above; a mapping without access and without commitment needs no memory.
            let _ = unsafe {
                rustix::mm::mmap_anonymous(
                    self.pointer(),
                    image.len,
                    ProtFlags::empty(),
                    MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED,
                )
            };
        }
        mapped.map(drop).map_err(Into::into)
    }

    /// Puts the content back to the image. False when the memory has grown: it cannot shrink.
    pub(crate) fn restore(&self, image: &Image, pages: &mut PageMap) -> std::io::Result<bool> {
        if self.size() != image.len {
            return Ok(false);
        }
        let page = pages.page;
        let written = pages.written(self.base, image.len)?;
        if written.iter().map(|(_, count)| count).sum::<usize>() > RESIDENT_PAGES {
            // SAFETY: the range lies inside this region's own mapping; the next access reads the image again.
            unsafe { rustix::mm::madvise(self.pointer(), image.len, Advice::LinuxDontNeed) }?;
            return Ok(true);
        }
        for (first, count) in written {
            let (start, len) = (first * page, (count * page).min(image.len - first * page));
            // SAFETY: both ranges lie inside their mappings of `image.len` bytes, which do not overlap, and no
            // guest runs in the region.
            unsafe {
                std::ptr::copy_nonoverlapping(
                    (image.base as *const u8).add(start),
                    self.pointer().cast::<u8>().add(start),
                    len,
                );
            }
        }
        Ok(true)
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping is this region's own, and with the last handle nobody uses it any more.
        // Nothing can be done about a failure.
        let _ = unsafe { rustix::mm::munmap(self.pointer(), self.reserved) };
    }
}

/// The content of a start state's memory, sealed in a file without a name.
pub(crate) struct Image {
    file: std::os::fd::OwnedFd,
    base: usize,
    len: usize,
}

impl Image {
    /// The present content of `region`.
    pub(crate) fn of(region: &Region) -> std::io::Result<Self> {
        let content = region.bytes();
        let file = File::from(rustix::fs::memfd_create(
            "python-guest",
            MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING,
        )?);
        file.set_len(content.len() as u64)?;
        let chunk = rustix::param::page_size();
        for (position, bytes) in content.chunks(chunk).enumerate() {
            if bytes.iter().any(|byte| *byte != 0) {
                file.write_all_at(bytes, (position * chunk) as u64)?;
            }
        }
        rustix::fs::fcntl_add_seals(
            &file,
            SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
        )?;
        // SAFETY: a new mapping at an address of the kernel's choice touches no other; the sealed file keeps its length.
        let base = unsafe {
            rustix::mm::mmap(null_mut(), content.len(), ProtFlags::READ, MapFlags::PRIVATE, &file, 0)
        }?;
        Ok(Self { file: file.into(), base: base as usize, len: content.len() })
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: the mapping is this image's own. Nothing can be done about a failure.
        let _ = unsafe { rustix::mm::munmap(self.base as *mut c_void, self.len) };
    }
}

/// The kernel's account of this process' pages.
pub(crate) struct PageMap {
    file: File,
    page: usize,
    entries: Vec<u8>,
}

impl PageMap {
    pub(crate) fn open() -> std::io::Result<Self> {
        let file = File::open("/proc/self/pagemap")?;
        Ok(Self { file, page: rustix::param::page_size(), entries: Vec::new() })
    }

    /// Runs `(first, count)` of pages in a private file mapping that were written, by page number in the mapping.
    fn written(&mut self, base: usize, len: usize) -> std::io::Result<Vec<(usize, usize)>> {
        // Kernel documentation, admin-guide/mm/pagemap: 64 bits a page; 63 present, 62 swapped, 61 page of a file.
        const PRESENT: u64 = 1 << 63;
        const SWAPPED: u64 = 1 << 62;
        const OF_FILE: u64 = 1 << 61;
        let pages = len.div_ceil(self.page);
        self.entries.resize(8 * pages, 0);
        self.file.read_exact_at(&mut self.entries, (base / self.page * 8) as u64)?;
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (number, entry) in self.entries.chunks_exact(8).enumerate() {
            let entry = u64::from_ne_bytes(entry.try_into().expect("eight bytes"));
            if entry & (PRESENT | SWAPPED) == 0 || entry & OF_FILE != 0 {
                continue;
            }
            match runs.last_mut() {
                Some((first, count)) if *first + *count == number => *count += 1,
                _ => runs.push((number, 1)),
            }
        }
        Ok(runs)
    }
}

/// Can memory be put back on this machine? Tries it.
pub(crate) fn supported() -> bool {
    let attempt = || -> std::io::Result<bool> {
        let page = rustix::param::page_size();
        let len = 4 * page;
        let region = Region::reserve(2 * len)?;
        region.grow_to(len)?;
        let fill = |value: u8| {
            // SAFETY: the page lies inside the region's accessible part.
            unsafe { region.pointer().cast::<u8>().add(2 * page).write_volatile(value) };
        };
        fill(1);
        let image = Image::of(&region)?;
        region.adopt(&image)?;
        let mut pages = PageMap::open()?;
        let untouched = region.bytes()[2 * page] == 1 && pages.written(region.base, len)?.is_empty();
        fill(2);
        let seen = pages.written(region.base, len)? == [(2, 1)];
        Ok(untouched && seen && region.restore(&image, &mut pages)? && region.bytes()[2 * page] == 1)
    };
    attempt().unwrap_or(false)
}

/// Makes the linear memories of instances.
pub(crate) struct Creator;

// SAFETY: a memory lies at the start of its own reservation of the asked size plus guard; what is not accessible stays
// mapped without any access, and it never moves.
unsafe impl MemoryCreator for Creator {
    fn new_memory(
        &self,
        _ty: MemoryType,
        minimum: usize,
        maximum: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        let capacity = reserved.or(maximum).unwrap_or(1 << 32).max(minimum);
        let make = || -> std::io::Result<Arc<Region>> {
            let region = Region::reserve(capacity + guard)?;
            region.grow_to(minimum)?;
            Ok(Arc::new(region))
        };
        let region = make().map_err(|error| format!("no memory for a guest: {error}"))?;
        MADE.with_borrow_mut(|made| made.push(Arc::clone(&region)));
        Ok(Box::new(Linear { region, capacity }))
    }
}

struct Linear {
    region: Arc<Region>,
    capacity: usize,
}

// SAFETY: see `Creator`.
unsafe impl LinearMemory for Linear {
    fn byte_size(&self) -> usize {
        self.region.size()
    }

    fn byte_capacity(&self) -> usize {
        self.capacity
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        if new_size > self.capacity {
            return Err(std::io::Error::from(std::io::ErrorKind::OutOfMemory).into());
        }
        Ok(self.region.grow_to(new_size)?)
    }

    fn as_ptr(&self) -> *mut u8 {
        self.region.pointer().cast()
    }
}

/// Runs an instantiation and returns the memories it made, in their order.
pub(crate) fn made_by<T>(instantiate: impl FnOnce() -> T) -> (T, Vec<Arc<Region>>) {
    MADE.with_borrow_mut(Vec::clear);
    let made = instantiate();
    (made, MADE.take())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_put_back_page_by_page_or_whole() {
        if !supported() {
            return;
        }
        let page = rustix::param::page_size();
        let len = 2 * RESIDENT_PAGES * page;
        let region = Region::reserve(2 * len).unwrap();
        region.grow_to(len).unwrap();
        let write = |at: usize, value: u8| {
            // SAFETY: inside the accessible part.
            unsafe { region.pointer().cast::<u8>().add(at).write_volatile(value) };
        };
        (0..len).step_by(page / 2).for_each(|at| write(at, (at / page) as u8));
        let start = region.bytes().to_vec();
        let image = Image::of(&region).unwrap();
        region.adopt(&image).unwrap();
        assert!(region.bytes() == start);
        let mut pages = PageMap::open().unwrap();
        for step in [7 * page, page] {
            (0..len).step_by(step).for_each(|at| write(at + 5, 99));
            assert!(region.bytes() != start);
            assert!(region.restore(&image, &mut pages).unwrap());
            assert!(region.bytes() == start, "written every {step} bytes");
        }
        region.grow_to(len + page).unwrap();
        assert!(!region.restore(&image, &mut pages).unwrap(), "a memory that has grown is not used again");
    }
}
