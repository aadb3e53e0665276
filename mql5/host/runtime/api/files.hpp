// Files, inside of the sandbox.
#pragma once
#include "../array.hpp"
#include "../format.hpp"
#include "../structs.hpp"

namespace mql {

int FileOpen(const string &name, int flags, short delimiter = '\t', uint codepage = CP_ACP);
void FileClose(int handle);
void FileFlush(int handle);
bool FileSeek(int handle, long offset, ENUM_FILE_POSITION origin);
ulong FileTell(int handle);
ulong FileSize(int handle);
bool FileIsEnding(int handle);
bool FileIsLineEnding(int handle);
string FileReadString(int handle, int length = -1);
uint FileWriteString(int handle, const string &text, int length = -1);
long FileReadLong(int handle);
int FileReadInteger(int handle, int size = 4);
double FileReadDouble(int handle);
uint FileWriteLong(int handle, long value);
uint FileWriteInteger(int handle, int value, int size = 4);
uint FileWriteDouble(int handle, double value);
bool FileIsExist(const string &name, int common = 0);
bool FileDelete(const string &name, int common = 0);
bool FileMove(const string &from, int common, const string &to, int mode);
bool FileCopy(const string &from, int common, const string &to, int mode);
long FileFindFirst(const string &filter, string &name, int common = 0);
bool FileFindNext(long search, string &name);
void FileFindClose(long search);
bool FolderCreate(const string &name, int common = 0);
bool FolderDelete(const string &name, int common = 0);
bool FolderClean(const string &name, int common = 0);

std::size_t read_bytes(int handle, void *to, std::size_t size);
std::size_t write_bytes(int handle, const void *from, std::size_t size);
uint write_fields(int handle, const format_arg *args, int count);

template <class... A> uint FileWrite(int handle, const A &...values) {
  const format_arg list[] = {format_arg(values)..., format_arg(0)};
  return write_fields(handle, list, static_cast<int>(sizeof...(A)));
}
template <class T> uint FileWriteArray(int handle, const array<T> &a, int start = 0, int count = WHOLE_ARRAY) {
  static_assert(std::is_trivially_copyable_v<T>, "FileWriteArray writes simple types and structs of them");
  const int n = count < 0 || start + count > a.size() ? a.size() - start : count;
  if (start < 0 || n <= 0) return 0;
  return static_cast<uint>(write_bytes(handle, a.begin() + start, static_cast<std::size_t>(n) * sizeof(T)) / sizeof(T));
}
template <class T> uint FileReadArray(int handle, array<T> &a, int start = 0, int count = WHOLE_ARRAY) {
  static_assert(std::is_trivially_copyable_v<T>, "FileReadArray reads simple types and structs of them");
  const ulong left = (FileSize(handle) - FileTell(handle)) / sizeof(T);
  const ulong n = count < 0 || static_cast<ulong>(count) > left ? left : static_cast<ulong>(count);
  if (a.size() < start + static_cast<int>(n)) a.resize(start + static_cast<int>(n));
  if (n == 0) return 0;
  return static_cast<uint>(read_bytes(handle, a.begin() + start, n * sizeof(T)) / sizeof(T));
}
template <class T> bool FileSave(const string &name, const array<T> &a, int common = 0) {
  const int handle = FileOpen(name, FILE_WRITE | FILE_BIN | common);
  if (handle == INVALID_HANDLE) return false;
  const bool done = static_cast<int>(FileWriteArray(handle, a)) == a.size();
  FileClose(handle);
  return done;
}
template <class T> long FileLoad(const string &name, array<T> &a, int common = 0) {
  const int handle = FileOpen(name, FILE_READ | FILE_BIN | common);
  if (handle == INVALID_HANDLE) return -1;
  const uint n = FileReadArray(handle, a);
  FileClose(handle);
  return n;
}

}  // namespace mql
