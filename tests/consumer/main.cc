// Converts one file with one voice: consumer SOURCE VOICE TARGET.
#include <voxconv/converter.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  voxconv::Converter converter(voxconv::Voice::load(argv[2]), {});
  const auto reader = voxconv::open_reader(argv[1]);
  const auto writer =
      voxconv::open_writer(argv[3], {.rate = converter.output_rate(), .channels = converter.output_channels(reader->info().channels)});
  const voxconv::ConvertReport report = converter.run(*reader, *writer);
  std::printf("%.2f s converted\n", report.source_s);
  return report.source_s > 0 ? 0 : 1;
}
