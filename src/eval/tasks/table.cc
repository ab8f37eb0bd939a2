// All tasks by name. A new one: its file here, its maker in tasks.h, its line below, its row in docs/tasks.md.
#include "eval/task.h"
#include "eval/tasks/tasks.h"

namespace tome::eval {

const std::vector<Task>& tasks() {
  static const std::vector<Task> all = {
      lines_task(),
      topics_task(),
      needle_task(),
      ruler_task(),
  };
  return all;
}

}  // namespace tome::eval
