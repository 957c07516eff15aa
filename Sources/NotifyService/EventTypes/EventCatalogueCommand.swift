import ArgumentParser
import FoundationEssentials

/// Writes the event catalogue into a folder.
struct EventCatalogueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "event-catalogue",
        abstract: "Write the event catalogue: a page and a JSON Schema for each type; needs no database."
    )

    @Argument(help: "The folder to write into.")
    var folder = "docs/integrate"

    func run() throws {
        let folder = URL(filePath: folder, directoryHint: .isDirectory)
        for file in EventCatalogue.files {
            let place = folder.appending(path: file.path)
            try FileManager.default.createDirectory(
                at: place.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(file.text.utf8).write(to: place)
        }
    }
}
