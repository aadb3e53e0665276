#include "sandbox.hpp"

#include <dirent.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <vector>

#include "api/files.hpp"
#include "host.hpp"

namespace mql {

bool sandboxed(const string &name, int flags, std::string &path) {
  std::string text = name.utf8();
  std::replace(text.begin(), text.end(), '\\', '/');
  if (text.empty() || text[0] == '/' || text.find_first_of(":<>\"|") != std::string::npos) return false;
  if (("/" + text + "/").find("/../") != std::string::npos || text.size() > 200) return false;
  path = ((flags & FILE_COMMON) != 0 ? host().common_folder + "/Files/" : host().folder + "/MQL5/Files/") + text;
  return true;
}

bool is_directory(const std::string &path) {
  struct stat info = {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

void make_parents(const std::string &path) {
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) mkdir(path.substr(0, at).c_str(), 0700);
}

namespace {

bool exists(const std::string &path) { return access(path.c_str(), F_OK) == 0; }

bool places(const string &from, int common, const string &to, int mode, std::string &source, std::string &target) {
  if (!sandboxed(from, common, source) || !sandboxed(to, mode, target)) { fail(ERR_WRONG_FILENAME); return false; }
  if (!exists(source)) { fail(ERR_FILE_NOT_EXIST); return false; }
  if (exists(target) && (mode & FILE_REWRITE) == 0) { fail(ERR_FILE_CANNOT_REWRITE); return false; }
  if (is_open_file(target)) { fail(ERR_CANNOT_OPEN_FILE); return false; }
  make_parents(target);
  return true;
}

struct search {
  std::vector<std::string> names;
  std::size_t at = 0;
};
std::map<long, search> &searches() {
  static auto *all = new std::map<long, search>;
  return *all;
}

}  // namespace

bool FileIsExist(const string &name, int common) {
  std::string path;
  if (!sandboxed(name, common, path)) { fail(ERR_WRONG_FILENAME); return false; }
  if (is_directory(path)) { fail(ERR_FILE_IS_DIRECTORY); return false; }
  return exists(path);
}

bool FileDelete(const string &name, int common) {
  std::string path;
  if (!sandboxed(name, common, path)) { fail(ERR_WRONG_FILENAME); return false; }
  if (!exists(path)) { fail(ERR_FILE_NOT_EXIST); return false; }
  // Windows does not delete or move a file that is open.
  if (is_open_file(path) || unlink(path.c_str()) != 0) { fail(ERR_CANNOT_DELETE_FILE); return false; }
  return true;
}

bool FileMove(const string &from, int common, const string &to, int mode) {
  std::string source, target;
  if (!places(from, common, to, mode, source, target)) return false;
  if (is_open_file(source)) { fail(ERR_CANNOT_OPEN_FILE); return false; }
  host().passing("before_move", target);
  if (std::rename(source.c_str(), target.c_str()) != 0) { fail(ERR_CANNOT_OPEN_FILE); return false; }
  host().passing("after_move", target);
  return true;
}

bool FileCopy(const string &from, int common, const string &to, int mode) {
  std::string source, target;
  if (!places(from, common, to, mode, source, target)) return false;
  std::ifstream in(source, std::ios::binary);
  std::ofstream out(target, std::ios::binary | std::ios::trunc);
  if (in.peek() != std::ifstream::traits_type::eof()) out << in.rdbuf();
  return in.good() || in.eof();
}

long FileFindFirst(const string &filter, string &name, int common) {
  std::string pattern;
  if (!sandboxed(filter, common, pattern)) return fail(ERR_WRONG_FILENAME);
  const std::string folder = pattern.substr(0, pattern.rfind('/'));
  search found;
  if (DIR *dir = opendir(folder.c_str())) {
    while (const dirent *entry = readdir(dir)) {
      const std::string one = entry->d_name;
      if (one == "." || one == ".." || fnmatch(pattern.substr(folder.size() + 1).c_str(), one.c_str(), 0) != 0) continue;
      found.names.push_back(is_directory(folder + "/" + one) ? one + "\\" : one);
    }
    closedir(dir);
  }
  if (found.names.empty()) return fail(ERR_FILE_NOT_EXIST);
  std::sort(found.names.begin(), found.names.end());
  static long last = 0;
  searches()[++last] = found;
  FileFindNext(last, name);
  return last;
}

bool FileFindNext(long handle, string &name) {
  const auto it = searches().find(handle);
  if (it == searches().end()) die("FileFindNext of an invalid handle");
  if (it->second.at >= it->second.names.size()) return false;
  name = string::utf8(it->second.names[it->second.at++]);
  return true;
}

void FileFindClose(long handle) {
  if (searches().erase(handle) == 0) die("FileFindClose of an invalid handle");
}

bool FolderCreate(const string &name, int common) {
  std::string path;
  if (!sandboxed(name, common, path)) { fail(ERR_WRONG_DIRECTORYNAME); return false; }
  make_parents(path + "/");
  return is_directory(path);
}

bool FolderDelete(const string &name, int common) {
  std::string path;
  if (!sandboxed(name, common, path)) { fail(ERR_WRONG_DIRECTORYNAME); return false; }
  if (!is_directory(path)) { fail(ERR_DIRECTORY_NOT_EXIST); return false; }
  if (rmdir(path.c_str()) != 0) { fail(ERR_CANNOT_DELETE_DIRECTORY); return false; }
  return true;
}

bool FolderClean(const string &name, int common) {
  string file;
  const long found = FileFindFirst(name + lit(u"/*"), file, common);
  if (found == INVALID_HANDLE) return true;
  bool done = true;
  do done = FileDelete(name + lit(u"/") + file, common) && done; while (FileFindNext(found, file));
  FileFindClose(found);
  return done;
}

}  // namespace mql
