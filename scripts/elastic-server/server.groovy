// Runs one OpenSearch node on a given port: server.groovy FOLDER PORT
import org.codelibs.opensearch.runner.OpenSearchRunner

def (folder, port) = [args[0], args[1]]
new OpenSearchRunner().onBuild({ number, settings ->
    settings.putList('node.roles', 'cluster_manager', 'data', 'ingest')
    settings.put('http.port', port)
    settings.put('cluster.routing.allocation.disk.threshold_enabled', false)
} as OpenSearchRunner.Builder).build(
    OpenSearchRunner.newConfigs().basePath(folder).numOfNode(1).clusterName("vestibule-$port").useLogger())
Thread.sleep(Long.MAX_VALUE)
