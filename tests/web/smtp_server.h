#pragma once
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace webwrap::testing {

/// A small SMTP server on loopback, in a thread: takes one connection after the other and keeps what it was sent.
class SmtpServer {
 public:
  struct Taken {
    std::string sender, recipient, message;  ///< envelope as sent; the message with its dots unstuffed
  };

  SmtpServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 8) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("cannot listen");
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (int client = 0; (client = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(client)) talk(client);
    });
  }
  ~SmtpServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  /// What is answered to a command ("RCPT") from now on; without: yes.
  void answer(const std::string& command, const std::string& line) {
    const std::lock_guard lock(mutex_);
    answers_[command] = line;
  }
  std::vector<Taken> taken() {
    const std::lock_guard lock(mutex_);
    return taken_;
  }
  std::vector<std::string> commands() {
    const std::lock_guard lock(mutex_);
    return commands_;
  }
  std::string url() const { return "smtp://127.0.0.1:" + std::to_string(port); }

  int port = 0;

 private:
  static void say(int client, const std::string& line) { (void)!::send(client, (line + "\r\n").data(), line.size() + 2, MSG_NOSIGNAL); }
  static bool read_line(int client, std::string& line) {
    line.clear();
    for (char c = 0; ::recv(client, &c, 1, 0) == 1;) {
      line += c;
      if (line.ends_with("\r\n")) return line.resize(line.size() - 2), true;
    }
    return false;
  }

  void talk(int client) {
    Taken mail;
    say(client, "220 test");
    for (std::string line; read_line(client, line);) {
      const std::string command = line.substr(0, line.find(' '));
      std::string reply = command == "DATA" ? "354 go on" : command == "AUTH" ? "235 welcome" : command == "QUIT" ? "221 bye" : "250 yes";
      {
        const std::lock_guard lock(mutex_);
        commands_.push_back(line);
        if (answers_.contains(command)) reply = answers_[command];
      }
      if (command == "MAIL") mail = {line.substr(line.find(':') + 1), "", ""};
      if (command == "RCPT") mail.recipient += line.substr(line.find(':') + 1);
      if (line == "AUTH PLAIN" && reply.starts_with("235")) {
        say(client, "334 ");
        read_line(client, line);
      }
      say(client, reply);
      if (command == "QUIT") return;
      if (command != "DATA" || !reply.starts_with("354")) continue;
      while (read_line(client, line) && line != ".") mail.message += (line.starts_with('.') ? line.substr(1) : line) + "\r\n";
      {
        const std::lock_guard lock(mutex_);
        taken_.push_back(mail);
      }
      say(client, "250 taken");
    }
  }

  int listener_;
  std::thread thread_;
  std::mutex mutex_;
  std::map<std::string, std::string> answers_;
  std::vector<Taken> taken_;
  std::vector<std::string> commands_;
};

}  // namespace webwrap::testing
